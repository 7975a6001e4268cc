// The list of files of one transfer and their resumable uploads (tus). The server's own list says where each
// upload stands, so nothing about files is kept in the browser.

import { csrf, problemFrom } from "./api.js";
import { dropped, pathOf } from "./folders.js";
import { say, showProblem, size } from "./texts.js";

const RETRIES = [0, 1000, 2000, 4000, 8000, 15000, 30000, 30000, 30000, 30000, 30000, 30000];
const RENEW_AFTER = 12 * 3600 * 1000; // milliseconds; a token is good for 48 hours
const RUNNING_AT_ONCE = 2;

export class Uploads {
  // `headers` let these uploads in: the session's token, or a guest's own.
  constructor(root, { maxFileSize, quotaLeft }, headers = () => ({ "X-CSRF-Token": csrf() })) {
    this.root = root;
    this.headers = headers;
    this.list = root.querySelector("[data-files]");
    this.limits = { maxFileSize, quotaLeft };
    this.entries = [];
    this.transfer = null;
    this.onDone = () => {};
    this.reading = 0; // folders that were dropped and are not listed yet
    this.takes = []; // states in which a file is sent although the scanner has spoken
    this.#listen();
    addEventListener("beforeunload", (event) => {
      if (this.entries.some((entry) => entry.state === "uploading")) {
        event.preventDefault();
      }
    });
    addEventListener("online", () => this.#pump());
  }

  #listen() {
    const drop = this.root.querySelector("[data-drop]");
    for (const input of this.root.querySelectorAll('input[type="file"]')) {
      const take = () => {
        this.add([...input.files]);
        input.value = "";
      };
      input.addEventListener("change", take);
      if (input.files.length) {
        queueMicrotask(take); // chosen before this script ran; our caller first says what the server has
      }
    }
    for (const name of ["dragenter", "dragover"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    for (const name of ["dragleave", "drop"]) {
      drop.addEventListener(name, () => drop.classList.remove("over"));
    }
    drop.addEventListener("drop", async (event) => {
      event.preventDefault();
      this.reading += 1;
      try {
        const { files, unread } = await dropped(event.dataTransfer);
        this.add(files);
        unread.forEach((name) => this.#enter({ file: null, name, path: name, size: 0, id: null, sent: 0, state: "unread" }));
      } finally {
        this.reading -= 1;
      }
      this.#pump();
    });
  }

  // What the server already has of this transfer.
  know(element) {
    const { known, name, path, size: length, offset, state } = element.dataset;
    const states = { Uploading: "reselect", Infected: "infected", Unscannable: "unscannable" };
    this.#enter({ file: null, name, path: path ?? name, size: Number(length), id: known, sent: Number(offset), state: states[state] ?? "done" }, element);
  }

  add(files) {
    this.#refuse("");
    for (const file of files) {
      const path = pathOf(file);
      const waiting = this.entries.find((entry) => entry.state === "reselect" && entry.path === path && entry.size === file.size);
      if (waiting) {
        waiting.file = file;
        waiting.state = "waiting";
        this.#draw(waiting);
      } else if (this.#acceptable(file)) {
        this.#enter({ file, name: file.name, path, size: file.size, id: null, sent: 0, state: "waiting" });
      }
    }
    this.#summarize();
    if (this.transfer) {
      this.#pump();
    }
  }

  #acceptable(file) {
    const fresh = this.entries.filter((entry) => !entry.id).reduce((sum, entry) => sum + entry.size, 0);
    if (file.size > this.limits.maxFileSize) {
      this.#refuse(say("tooLarge", { name: file.name, limit: size(this.limits.maxFileSize) }));
    } else if (fresh + file.size > this.limits.quotaLeft) {
      this.#refuse(say("quota", { limit: size(this.limits.quotaLeft) }));
    } else {
      return true;
    }
    return false;
  }

  #refuse(text) {
    const box = this.root.querySelector("[data-file-problem]");
    box.textContent = text;
    box.hidden = !text;
  }

  #enter(entry, element = document.createElement("li")) {
    this.entries.push(entry);
    entry.element = element;
    this.#build(entry);
    if (!element.isConnected) {
      this.list.append(element);
    }
  }

  #build(entry) {
    const line = document.createElement("div");
    line.className = "line";
    const name = Object.assign(document.createElement("strong"), { textContent: entry.path });
    const length = Object.assign(document.createElement("span"), { textContent: size(entry.size), className: "soft" });
    entry.tag = Object.assign(document.createElement("span"), { className: "tag quiet" });
    entry.pause = this.#button(() => this.#toggle(entry));
    entry.remove = this.#button(() => this.#remove(entry));
    entry.remove.textContent = say("remove");
    entry.remove.setAttribute("aria-label", say("removeLabel", { name: entry.name }));
    line.append(name, length, entry.tag, entry.pause, entry.remove);
    entry.bar = Object.assign(document.createElement("progress"), { max: entry.size });
    entry.bar.setAttribute("aria-label", say("progress", { name: entry.name }));
    entry.note = Object.assign(document.createElement("p"), { className: "small soft" });
    entry.element.replaceChildren(line, entry.bar, entry.note);
    this.#draw(entry);
  }

  #button(act) {
    const element = Object.assign(document.createElement("button"), { type: "button", className: "button small" });
    element.addEventListener("click", act);
    return element;
  }

  #draw(entry) {
    const tones = { done: "good", failed: "bad", infected: "bad", unscannable: "bad", unread: "bad", reselect: "warn", paused: "warn", waiting: "quiet" };
    entry.element.dataset.upload = entry.state;
    entry.tag.className = `tag ${tones[entry.state] ?? ""}`;
    entry.tag.textContent = say({ reselect: "paused", unread: "failed" }[entry.state] ?? entry.state);
    entry.pause.hidden = !["uploading", "paused", "failed"].includes(entry.state);
    entry.pause.textContent = say(entry.state === "uploading" ? "pause" : "resume");
    entry.pause.setAttribute("aria-label", `${entry.pause.textContent} – ${entry.name}`);
    entry.bar.hidden = !["uploading", "paused", "reselect"].includes(entry.state);
    entry.bar.value = entry.sent;
    if (["reselect", "unread"].includes(entry.state)) {
      entry.note.textContent = say(entry.state);
    } else if (this.#isRefused(entry)) {
      entry.note.textContent = say("refused");
    } else if (entry.state !== "failed") {
      entry.note.textContent = "";
    }
  }

  #summarize() {
    const done = this.entries.filter((entry) => this.#isUp(entry)).length;
    const total = this.entries.length;
    const summary = this.root.querySelector("[data-summary]");
    const sum = this.entries.reduce((bytes, entry) => bytes + entry.size, 0);
    summary.textContent = total ? `${total} · ${size(sum)}` : "";
    const progress = this.root.querySelector("[data-progress-text]");
    if (this.transfer && progress) {
      progress.textContent = done === total ? say("allDone") : say("sending", { done, total });
    }
  }

  // Uploads everything into `transfer`; `onDone` is called each time nothing is left to do.
  start(transfer) {
    this.transfer = transfer;
    this.#pump();
  }

  // Why this list cannot be sent as it is, as the page's texts name it; null when it can.
  get hindrance() {
    if (this.entries.length === 0) {
      return "noFiles";
    }
    const missing = this.entries.find((entry) => ["reselect", "unread"].includes(entry.state));
    if (missing) {
      return missing.state;
    }
    return this.entries.some((entry) => this.#isRefused(entry)) ? "refused" : null;
  }

  #isUp(entry) {
    return entry.state === "done" || this.takes.includes(entry.state);
  }

  #isRefused(entry) {
    return ["infected", "unscannable"].includes(entry.state) && !this.takes.includes(entry.state);
  }

  #pump() {
    if (!this.transfer) {
      return;
    }
    const running = this.entries.filter((entry) => entry.state === "uploading");
    const next = this.entries.find((entry) => entry.state === "waiting");
    // One creation at a time, so that the transfer lists its files in the order they were chosen.
    if (next && running.length < RUNNING_AT_ONCE && running.every((entry) => entry.id)) {
      this.#run(next);
      this.#pump();
      return;
    }
    this.#summarize();
    if (!this.reading && this.entries.length && this.entries.every((entry) => this.#isUp(entry))) {
      this.onDone();
    }
  }

  #run(entry) {
    entry.state = "uploading";
    if (!entry.begins) {
      entry.begins = !entry.id;
      entry.upload ??= this.#upload(entry);
      entry.upload.start();
    }
    this.#draw(entry);
  }

  #upload(entry) {
    const upload = new tus.Upload(entry.file, {
      endpoint: "/files/",
      uploadUrl: entry.id ? `/files/${entry.id}` : null,
      headers: { ...this.headers(), ...(entry.token ? { "Upload-Token": entry.token } : {}) },
      metadata: { transfer: this.transfer, filename: entry.name, path: entry.path, filetype: entry.file.type || "application/octet-stream" },
      retryDelays: RETRIES,
      storeFingerprintForResuming: false,
      onBeforeRequest: (request) => {
        if (request.getMethod() === "POST") {
          entry.creation ??= crypto.randomUUID();
          request.setHeader("Idempotency-Key", entry.creation); // its answer may be lost: no second file then
        }
      },
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        const worth = status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
        entry.note.textContent = worth ? say("retrying") : "";
        return worth;
      },
      onAfterResponse: (request, answer) => this.#keepToken(entry, upload, answer.getHeader("Upload-Token")),
      onUploadUrlAvailable: () => {
        entry.id = upload.url.split("/").pop();
        entry.begins = false;
        if (entry.state === "removed") {
          this.#remove(entry);
        } else if (entry.state !== "uploading") {
          upload.abort();
        }
        this.#pump();
      },
      onProgress: (sent) => {
        entry.sent = sent;
        entry.bar.value = sent;
        entry.note.textContent = `${size(sent)} / ${size(entry.size)}`;
        this.#renewToken(entry, upload);
      },
      onSuccess: () => this.#finish(entry, "done"),
      onError: (error) => this.#fail(entry, error),
    });
    return upload;
  }

  // The upload's own token: with it a long upload goes on after the session has ended.
  #keepToken(entry, upload, token) {
    if (token) {
      entry.token = token;
      entry.tokenAt = Date.now();
      upload.options.headers = { ...upload.options.headers, "Upload-Token": token };
    }
  }

  async #renewToken(entry, upload) {
    if (!entry.token || Date.now() - entry.tokenAt < RENEW_AFTER) {
      return;
    }
    entry.tokenAt = Date.now();
    const answer = await fetch("/api/v1/upload-tokens/renew", { method: "POST", headers: { "Upload-Token": entry.token } }).catch(() => null);
    if (answer?.ok) {
      this.#keepToken(entry, upload, (await answer.json()).token);
    }
  }

  #finish(entry, state) {
    entry.state = state;
    entry.sent = state === "done" ? entry.size : entry.sent;
    this.#draw(entry);
    this.#pump();
  }

  #fail(entry, error) {
    entry.upload = null;
    entry.begins = false;
    if (entry.state === "removed") {
      this.#remove(entry);
      return;
    }
    const answer = error.originalResponse;
    if (answer) {
      entry.creation = null; // the next one asks for something else
    }
    const text = answer ? problemFrom(answer.getStatus(), answer.getBody()).message : say("offline");
    entry.note.textContent = text;
    showProblem(`${entry.name}: ${text}`);
    this.#finish(entry, "failed");
  }

  // While an upload `begins`, its request is left to end: cut, it could leave a file behind that nobody goes on with.
  async #toggle(entry) {
    if (entry.state === "uploading") {
      entry.state = "paused";
      await (entry.begins || entry.upload.abort());
      this.#draw(entry);
    } else {
      showProblem("");
      entry.state = "waiting";
    }
    this.#pump();
  }

  async #remove(entry) {
    if (entry.begins) {
      entry.state = "removed"; // and kept until it is, so that nothing is sent with it
      entry.element.hidden = true;
      return;
    }
    if (["uploading", "removed"].includes(entry.state)) {
      entry.state = "paused";
      await entry.upload?.abort();
    }
    if (entry.id) {
      const headers = { ...this.headers(), "Tus-Resumable": "1.0.0" };
      const answer = await fetch(`/files/${entry.id}`, { method: "DELETE", headers }).catch(() => null);
      if (!answer || (!answer.ok && ![404, 410].includes(answer.status))) {
        showProblem(answer ? problemFrom(answer.status, await answer.text()).message : say("offline"));
        entry.element.hidden = false;
        this.#draw(entry);
        return;
      }
    }
    this.entries = this.entries.filter((other) => other !== entry);
    entry.element.remove();
    this.#pump();
    this.#summarize();
  }
}
