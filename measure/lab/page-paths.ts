/** What a page of the lab asks its program for: the script, the server's URL, its next order; and where it tells its answers. */
export const pagePaths = { script: "/player.js", server: "/server", order: "/order", told: "/told" } as const;
