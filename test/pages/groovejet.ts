/**
 * What pearl's clients do in a page, step by step, with the browser's own WebRTC: forms A (0.0.12) and C (the last commit). Written from what
 * they do, with their faults: a handler that throws at what is no JSON, one that is emptied once it has what it waited for, no time-outs.
 */

type Signal = { type: "offer" | "answer"; sdp: string };
type Message = {
  type: string;
  data?: { clientId?: string; roomCode?: string; offerSignal?: Signal; answerSignal?: Signal };
};

/** One connection to another player: it waits for all candidates, and has two channels. */
class PeerSocket {
  readonly #peer = new RTCPeerConnection({ iceServers: [{ urls: ["stun:stun.l.google.com:19302"] }] });
  readonly #gathered: Promise<void>;
  readonly #channels = new Map<string, RTCDataChannel>();
  #openChannels = 0;
  onOpen = () => {};
  onMessage = (_: string) => {};
  onClose = () => {};

  constructor() {
    this.#gathered = new Promise((resolve) => {
      this.#peer.onicecandidate = ({ candidate }) => candidate ?? resolve();
    });
    this.#peer.ondatachannel = ({ channel }) => this.#register(channel);
    this.#peer.oniceconnectionstatechange = () => {
      if (["failed", "closed"].includes(this.#peer.iceConnectionState)) this.close();
    };
  }

  async createOffer(): Promise<unknown> {
    this.#register(this.#peer.createDataChannel("reliable"));
    this.#register(this.#peer.createDataChannel("unreliable", { ordered: false, maxRetransmits: 0 }));
    await this.#peer.setLocalDescription(await this.#peer.createOffer());
    await this.#gathered;
    return this.#peer.localDescription;
  }

  async handleOffer(offer: Signal): Promise<unknown> {
    await this.#peer.setRemoteDescription(offer);
    await this.#peer.setLocalDescription(await this.#peer.createAnswer());
    await this.#gathered;
    return this.#peer.localDescription;
  }

  /** A second answer throws. */
  async handleAnswer(answer: Signal): Promise<void> {
    await this.#peer.setRemoteDescription(answer);
  }

  send(text: string, label = "reliable"): void {
    this.#channels.get(label)?.send(new TextEncoder().encode(text));
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#peer.close();
    this.onClose();
  }

  #register(channel: RTCDataChannel): void {
    this.#channels.set(channel.label, channel);
    channel.binaryType = "arraybuffer";
    channel.onopen = () => {
      this.#openChannels += 1;
      if (this.#openChannels === 2) this.onOpen();
    };
    channel.onmessage = ({ data }) => this.onMessage(`${channel.label}: ${new TextDecoder().decode(data)}`);
    channel.onclose = () => this.onClose();
  }
}

/** Errors that nobody caught: a page goes on, and its console has them. */
export const uncaught: string[] = [];
addEventListener("error", ({ error }) => uncaught.push(String(error?.name)));
addEventListener("unhandledrejection", ({ reason }) => uncaught.push(String(reason?.name)));

/** Form C. Waits for its identity, and throws all away until it says what it wants. */
async function connect(host: string): Promise<{ socket: WebSocket; clientId: string }> {
  const socket = new WebSocket(`ws://${host}`);
  const clientId = await new Promise<string>((resolve, reject) => {
    socket.onclose = () => reject(new Error("connectionFailed"));
    socket.onopen = () => {
      socket.onclose = () => {};
      socket.onmessage = ({ data }) => {
        const message: Message = JSON.parse(data);
        if (message.type !== "identity") return;
        socket.onmessage = () => {};
        resolve(message.data?.clientId ?? "");
      };
    };
  });
  return { socket, clientId };
}

/** Says what it wants, and waits for exactly one answer, or an error: for ever, if neither comes. */
function ask(socket: WebSocket, wish: object, answer: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      const message: Message & { errorType?: string } = JSON.parse(data);
      if (message.type === answer) resolve(message);
      else if (message.type === "error") reject(new Error(message.errorType));
      else return;
      socket.onmessage = () => {};
    };
    socket.send(JSON.stringify(wish));
  });
}

const names = {
  A: { offer: "clientSignal", offered: "clientConnection", answer: "hostSignal" },
  C: { offer: "guestOfferSignal", offered: "guestOfferSignal", answer: "hostAnswerSignal" },
};
type Form = keyof typeof names;

/** Answers each offer by a connection of its own, and what it hears by the same with its guest's id. */
function answerOffers(socket: WebSocket, form: Form): void {
  socket.onmessage = async ({ data }) => {
    const message: Message = JSON.parse(data);
    if (message.type !== names[form].offered || !message.data?.offerSignal) return;
    const { clientId, offerSignal } = message.data;
    const peer = new PeerSocket();
    peer.onMessage = (text) => {
      peer.send(`${clientId} says ${text}`);
      peer.send(`${clientId} says ${text}`, "unreliable");
    };
    const answerSignal = await peer.handleOffer(offerSignal);
    socket.send(JSON.stringify({ type: names[form].answer, data: { answerSignal, clientId } }));
  };
}

/** Offers, and is connected when both channels are open. */
async function offer(socket: WebSocket, form: Form): Promise<PeerSocket> {
  const peer = new PeerSocket();
  const opened = new Promise<void>((resolve) => {
    peer.onOpen = resolve;
  });
  const offerSignal = await peer.createOffer();
  socket.onmessage = async ({ data }) => {
    const message: Message = JSON.parse(data);
    if (message.type === names[form].answer && message.data?.answerSignal)
      await peer.handleAnswer(message.data.answerSignal);
  };
  socket.send(JSON.stringify({ type: names[form].offer, data: { offerSignal } }));
  await opened;
  return peer;
}

export async function hostRoom(host: string): Promise<{ code: string; leave(): void }> {
  const { socket } = await connect(host);
  const { data } = await ask(socket, { type: "createRoom" }, "createdRoom");
  answerOffers(socket, "C");
  return { code: data?.roomCode ?? "", leave: () => socket.close() };
}

export async function joinRoom(
  host: string,
  roomCode: string,
): Promise<{ clientId: string; peer: PeerSocket }> {
  const { socket, clientId } = await connect(host);
  await ask(socket, { type: "joinRoom", data: { roomCode } }, "joinedRoom");
  return { clientId, peer: await offer(socket, "C") };
}

/** Form A: the room is in the query, and no answer says that it is there. */
export async function hostByQuery(host: string): Promise<string> {
  const response = await fetch(`//${host}/rooms`, { method: "POST" });
  const { code }: { code: string } = await response.json();
  const socket = new WebSocket(`ws://${host}/?code=${code}&host`);
  answerOffers(socket, "A");
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  return code;
}

/** Only the close says that something is wrong. */
export async function joinByQuery(host: string, code: string): Promise<PeerSocket> {
  const socket = new WebSocket(`ws://${host}/?code=${code}`);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onclose = () => reject(new Error("closed"));
  });
  return await Promise.race([
    offer(socket, "A"),
    new Promise<never>((_, reject) => {
      socket.onclose = () => reject(new Error("closed"));
    }),
  ]);
}

/** Says this on both channels. What comes back, on both. */
export async function exchange(peer: PeerSocket, text: string): Promise<string[]> {
  const heard: string[] = [];
  const answered = new Promise<void>((resolve) => {
    peer.onMessage = (said) => {
      heard.push(said);
      if (heard.length === 4) resolve();
    };
  });
  peer.send(text);
  peer.send(text, "unreliable");
  await answered;
  return heard.sort();
}
