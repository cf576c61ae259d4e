/** A text as a QR code that a phone reads from the screen. */
import { encode } from "uqr";

const svg = "http://www.w3.org/2000/svg";
/** Modules of white around it: the standard asks for four. */
const border = 4;

/** Dark on white in both themes: some readers know no other. */
export function qrCode(text: string): SVGSVGElement {
  const { size, data } = encode(text, { ecc: "M", border });
  const picture = document.createElementNS(svg, "svg");
  picture.setAttribute("viewBox", `0 0 ${size} ${size}`);
  picture.setAttribute("shape-rendering", "crispEdges");
  const ground = document.createElementNS(svg, "rect");
  for (const side of ["width", "height"]) ground.setAttribute(side, String(size));
  ground.setAttribute("fill", "#fff");
  const modules = document.createElementNS(svg, "path");
  modules.setAttribute(
    "d",
    data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join(""),
  );
  modules.setAttribute("fill", "#000");
  picture.append(ground, modules);
  return picture;
}
