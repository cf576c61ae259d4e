/** A bot that joins a lobby by its code, talks in its chat, and answers what players send it from peer to peer. */
import { connect } from "orion-edge-client";

const [server, code] = process.argv.slice(2);
if (!server || !code) {
  console.error("Usage: npm start -- <server> <code>, like npm start -- http://localhost:5980 K7Q2M");
  process.exit(2);
}

const roll = () => 1 + Math.floor(Math.random() * 6);

try {
  const orion = await connect(server);
  const lobby = await orion.join(code, { name: "Dice bot" });
  console.log(`In the lobby of ${lobby.host}`);

  // Chat goes by the server, and everybody hears it. It may be refused: it comes too fast, or the lobby is over.
  const say = (text) => lobby.chat(text).catch((error) => console.error(error.message));
  lobby.on("joined", ({ member }) => say(`Hello ${member.displayName}! Say "roll".`));
  lobby.on("chat", ({ text, member }) => {
    if (text === "roll" && member && !member.isSelf) say(`${member.displayName} rolls ${roll()}`);
  });

  // Packets go from player to player. The host's start makes the links.
  lobby.on("link", (link) => {
    console.log(`Connected to ${link.peer.name}, path: ${link.path}`);
    link.on("message", (bytes) => {
      if (new TextDecoder().decode(bytes) === "roll") link.send(`You roll ${roll()}`);
    });
  });

  // The SDK comes back by itself after a lost connection. The program ends when the lobby and all links are over.
  lobby.on("closed", ({ reason }) => console.log(`The lobby is over: ${reason}`));
  process.once("SIGINT", async () => {
    const { links } = lobby;
    await lobby.leave();
    await Promise.all(links.map((link) => link.close()));
  });

  await say('Hello! Say "roll", or send it to me when we are connected.');
} catch (error) {
  // No such lobby, a full one, a server that is not there: the message is for people, error.code for programs.
  console.error(error.message);
  process.exitCode = 1;
}
