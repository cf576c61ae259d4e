/** + What a client may say at any time, and what it is answered: by the platform, without waking the object that holds it. */
export const pingText = "ping";
export const pongText = "pong";
