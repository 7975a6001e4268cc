// The JSON API with the session's CSRF token; a refusal becomes a Problem with the server's own sentence.

export class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export async function call(method, path, body) {
  const headers = { Accept: "application/json", "X-CSRF-Token": csrf(), "Accept-Language": document.documentElement.lang };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) {
    throw problemFrom(answer.status, text);
  }
  return text ? JSON.parse(text) : null;
}

export function problemFrom(status, text) {
  try {
    const { code, title, detail } = JSON.parse(text);
    return new Problem(status, code ?? "unknown", detail ?? title ?? String(status));
  } catch {
    return new Problem(status, "unknown", String(status));
  }
}
