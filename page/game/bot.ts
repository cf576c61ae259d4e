/** A player without a person or a page: it flies to stars. For tests, and to play against. It runs where the SDK does. */
import { Flight, type FlightOptions } from "./flight.ts";
import type { GameLobby } from "./party.ts";
import { towardStars } from "./world/drone.ts";

/** Milliseconds between two decisions. */
const thinkMs = 60;

export type Bot = { readonly flight: Flight; stop(): void };

/** Plays in a lobby whose players are linked, or will be. `selfId`: `lobby.clientId`. */
export function playAsBot(lobby: GameLobby, selfId: string, options?: FlightOptions): Bot {
  const flight = new Flight(lobby, selfId, options);
  const thinking = setInterval(() => {
    const view = flight.view();
    const own = view?.comets.find(({ isSelf }) => isSelf);
    const toward = view && own ? towardStars(view, own.head) : null;
    flight.helm = { turn: 0, toward, boost: false };
  }, thinkMs);
  return {
    flight,
    stop: () => {
      clearInterval(thinking);
      flight.stop();
    },
  };
}
