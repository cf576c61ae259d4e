/**
 * Standard output and standard error that cannot harm the process. Node's own end it when a write fails (a full disk, a reader that
 * has gone), keep all that a slow reader leaves in memory, and wait for a terminal that is held, as by Ctrl-S.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { sidecarLimits } from "./limits.ts";
import { textOf } from "./log.ts";

type Callback = (error?: Error | null) => void;

/**
 * From here on, nothing that this process writes ends it, blocks it or fills its memory. Text that cannot be written is dropped.
 * When there is room again, `lost` makes the line that says how many lines are missing.
 */
export function surviveOutput(lost: (lines: number) => string = lostLine): void {
  for (const stream of [process.stdout, process.stderr]) guard(stream, lost);
}

function lostLine(lines: number): string {
  return textOf({ level: "info", event: "log_lines_lost", lines });
}

function guard(stream: Writable & { fd: number }, lost: (lines: number) => string): void {
  const put = stream instanceof Socket ? queueWriter(stream) : fileWriter(stream.fd);
  let lines = 0;
  const write = (text: string | Uint8Array): void => {
    const note = lines > 0 ? `${lost(lines)}\n` : "";
    if (note !== "" && put(note)) lines = 0;
    if (lines > 0 || !put(text)) lines += linesIn(text);
  };
  // A failed write comes as an event, too, and without a listener that ends the process.
  stream.on("error", () => {});
  stream.write = (text: string | Uint8Array, encoding?: BufferEncoding | Callback, done?: Callback) => {
    write(typeof text === "string" && typeof encoding === "string" ? Buffer.from(text, encoding) : text);
    const callback = typeof encoding === "function" ? encoding : done;
    if (callback) process.nextTick(callback);
    return true;
  };
}

/** Writes text, whole, or says that it could not. */
type Writer = (text: string | Uint8Array) => boolean;

const newline = Buffer.from("\n");

/** For a file: it may have room again later. */
function fileWriter(fd: number): Writer {
  /** The last write was cut: what comes next begins a new line. */
  let isCut = false;
  return (text) => {
    const all = Buffer.from(text);
    const bytes = isCut ? Buffer.concat([newline, all]) : all;
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(fd, bytes, written);
      isCut = false;
      return true;
    } catch {
      isCut ||= written > 0;
      return false;
    }
  };
}

/** For a pipe or a terminal: what its reader leaves waits in memory, to a bound. */
function queueWriter(stream: Socket & { isTTY?: boolean }): Writer {
  // Node has no public name for it. Without it, a pipe that nobody reads or a terminal that is held may stop the process.
  const { _handle: handle }: Socket & { _handle?: Handle } = stream;
  const write = stream.write.bind(stream);
  // A process that ends on Windows would lose what its pipe has not taken yet.
  const mayWait = process.platform === "win32" && !stream.isTTY;
  let isFull = false;
  let isGone = false;
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    isGone ||= code === "EPIPE" || code === "ECONNRESET";
  });
  return (text) => {
    if (isGone) return false;
    // Each time: a child process that inherits the pipe or terminal makes it wait again, for us too.
    if (!mayWait) handle?.setBlocking?.(false);
    const waiting = stream.writableLength;
    // It takes lines again when half has been read: otherwise a slow reader would get a note after each line.
    isFull = waiting > (isFull ? sidecarLimits.outputBytes / 2 : sidecarLimits.outputBytes);
    if (isFull) return false;
    write(text);
    return true;
  };
}
type Handle = { setBlocking?(is: boolean): void };

function linesIn(text: string | Uint8Array): number {
  const ends = typeof text === "string" ? text.split("\n").length - 1 : 0;
  return Math.max(1, ends);
}
