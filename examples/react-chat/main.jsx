import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { useLobby } from "./use-lobby.js";

const server = new URLSearchParams(location.search).get("server") ?? "http://localhost:5980";
const invitedTo = location.hash.slice(1);

function App() {
  const [name, setName] = useState("");
  if (!name) return <Ask label="Your name" button="Enter" limit={50} done={setName} />;
  return <Room name={name} leave={() => setName("")} />;
}

function Room({ name, leave }) {
  const { lobby, members, messages, error } = useLobby(server, invitedTo, name);
  const [refusal, setRefusal] = useState("");
  useEffect(() => {
    if (lobby) location.hash = lobby.code;
  }, [lobby]);

  if (error) return <p role="alert">{error}</p>;
  if (!lobby) return <p role="status">Connecting …</p>;
  const say = (text) =>
    lobby.chat(text).then(
      () => setRefusal(""),
      (problem) => setRefusal(problem.message),
    );
  return (
    <>
      <h1>Lobby {lobby.code}</h1>
      <p>To invite others, send them the address of this page.</p>
      <button type="button" onClick={leave}>
        Leave
      </button>
      <ul aria-label="Members">
        {members.map(({ clientId, displayName, presence, isHost }) => (
          <li key={clientId} dir="auto">
            {displayName} {isHost && "(host)"} {presence === "away" && "(away)"}
          </li>
        ))}
      </ul>
      <ol aria-label="Chat" aria-live="polite">
        {messages.map(({ at, from, member, text }) => (
          <li key={`${at} ${from} ${text}`} dir="auto">
            <b>{member?.displayName ?? from}</b>: {text}
          </li>
        ))}
      </ol>
      <p role="alert">{refusal}</p>
      <Ask label="Say something" button="Send" limit={250} done={say} />
    </>
  );
}

function Ask({ label, button, limit, done }) {
  const submit = (event) => {
    event.preventDefault();
    const text = event.target.elements.text.value.trim();
    if (text) done(text);
    event.target.reset();
  };
  return (
    <form onSubmit={submit}>
      <label>
        {label} <input name="text" maxLength={limit} autoComplete="off" required />
      </label>
      <button type="submit">{button}</button>
    </form>
  );
}

createRoot(document.querySelector("#root")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
