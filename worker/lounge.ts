import { Home } from "./home.ts";

/** A home for clients that have not yet said which lobby they want. It keeps nothing but its sockets. */
export class Lounge extends Home {
  protected override readonly local = null;

  override fetch(): Promise<Response> {
    return this.accept(this.ctx.id.toString(), false);
  }
}
