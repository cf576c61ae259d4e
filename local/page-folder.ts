/** The page that `npm start` serves. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPage, mayBuildHere, pageFolder } from "../page/build.ts";
import { type Folder, openTemporaryFolder } from "./storage.ts";

/** Builds what has changed of the page. Its folder is the project's own, or a temporary one if this process may not write there. */
export async function openPage(): Promise<Folder> {
  if (mayBuildHere()) {
    await buildPage();
    return { path: pageFolder, close: () => {} };
  }
  const { path, close } = openTemporaryFolder(tmpdir());
  try {
    const page = join(path, "page");
    await buildPage(page);
    return { path: page, close };
  } catch (error) {
    close();
    throw error;
  }
}
