// The least a Worker can do: nothing at all, or the product's statements in one request to its database.
let turn = 0;

// biome-ignore lint/style/noDefaultExport: this is how workerd finds a Worker.
export default {
  async fetch(request, { DATABASE, CALLS }) {
    const calls = CALLS[new URL(request.url).pathname];
    if (!calls) return new Response("ok");
    turn = (turn + 1) % calls.length;
    const { path, headers, body } = calls[turn];
    const answer = await fetch(`${DATABASE}${path}`, {
      method: "POST",
      headers,
      body: body.replaceAll("{id}", crypto.randomUUID()),
    });
    return new Response(await answer.text(), {
      status: answer.status,
      headers: { "content-type": "application/json" },
    });
  },
};
