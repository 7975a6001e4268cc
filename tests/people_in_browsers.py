"""People at their browsers: each has a context of their own, and every page is watched for errors."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from browser_world import PASSWORD, PATIENCE_SECONDS, World, wait_for, wait_for_mail

INVITATION = r"(https://\S+/invitations/\S+)"
DELIVERY = r"(https://\S+/r/\S+)"
REQUEST = r"(https://\S+/q/\S+)"
CODE = r"^(\d{8})$"
TRANSFER = re.compile(r"/transfers/[a-z2-7]{26}\b")

_CALL = """async ([method, path, body]) => {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const headers = {'X-CSRF-Token': token, 'Content-Type': 'application/json'};
  const answer = await fetch(path, {method, headers, body: body === null ? undefined : JSON.stringify(body)});
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${text}`);
  return text ? JSON.parse(text) : null;
}"""


class Person:
    """A browser of one's own. `errors` collects what the page's console and its policy complain about."""

    def __init__(self, world: World, browser: Browser, locale: str = "ja-JP") -> None:
        self.world = world
        self.context: BrowserContext = browser.new_context(
            locale=locale, base_url=world.url, accept_downloads=True, viewport={"width": 1200, "height": 900}
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.errors: list[str] = []
        self._network: CDPSession | None = None
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text:
            self.errors.append(text)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.page.goto("/sign-in")
        self.page.locator("#email").fill(email)
        self.page.locator("#password").fill(password)
        self.page.locator("main button").click()
        self.arrive(f"{self.world.url}/transfers")

    def arrive(self, address: str | re.Pattern[str]) -> None:
        """Wait for all of a page: its address is shown before there is anything on it."""
        expect(self.page).to_have_url(address)
        self.page.wait_for_load_state()

    def accept_invitation(self, email: str, name: str) -> None:
        self.page.goto(wait_for_mail(self.world, email, INVITATION))
        self.page.locator("#name").fill(name)
        self.page.locator("#password").fill(PASSWORD)
        self.page.locator("#again").fill(PASSWORD)
        self.page.locator("main button").click()
        self.arrive(f"{self.world.url}/transfers")

    def compose(self, files: list[Path], recipients: list[str], subject: str = "", message: str = "") -> None:
        self.page.goto("/transfers/new")
        self.page.locator("#files").set_input_files(files)
        for address in recipients:
            self.page.locator("#recipient").fill(address)
            self.page.locator("#recipient").press("Enter")
        self.page.locator("#subject").fill(subject)
        self.page.locator("#message").fill(message)

    def drop(self, path: Path) -> None:
        """Drag a file or folder onto the page's place for them."""
        place = self.page.locator("[data-drop]").bounding_box()
        assert place is not None
        session = self.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for moment in ("dragEnter", "dragOver", "drop"):
            event = {"type": moment, "x": place["x"] + 5, "y": place["y"] + 5, "data": data}
            session.send("Input.dispatchDragEvent", event)

    def send(self) -> None:
        self.page.locator("[data-send]").click()

    def deliver(self, files: list[Path], recipient: str, proof: str = "EmailCode", subject: str = "") -> None:
        self.compose(files, [recipient], subject=subject)
        self.page.locator("#authentication").select_option(proof)
        self.send()
        self.transfer_state("Delivered")

    def answer(self, files: list[Path], note: str = "") -> None:
        """Send files to who asked for them; this browser has proven to be the guest's."""
        self.page.locator("#files").set_input_files(files)
        expect(self.page.locator("[data-files] li")).to_have_count(len(files))
        self.page.locator("#note").fill(note)
        self.send()
        self.arrive(re.compile(r"/sent$"))

    def download(self, button: str) -> bytes:
        """What comes by the button of this name."""
        with self.page.expect_download() as started:
            self.page.get_by_role("button", name=button).click()
        return started.value.path().read_bytes()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Let the page this person is at call the API, in their session."""
        return self.page.evaluate(_CALL, [method, path, body])

    def throttle(self, bytes_per_second: int) -> None:
        """Limit what this page sends; -1 lifts the limit."""
        self._network = self._network or self.context.new_cdp_session(self.page)
        limits = {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        }
        self._network.send("Network.emulateNetworkConditions", limits)

    def files(self) -> list[dict[str, Any]]:
        """The files of the transfer this page is about, as the API says."""
        address = self.page.url.partition("?")[0].replace("/transfers/", "/api/v1/transfers/")
        found: list[dict[str, Any]] = self.page.evaluate(
            "async (address) => (await (await fetch(address)).json()).files", address
        )
        return found

    def wait_for_file_state(self, name: str, state: str) -> None:
        def reached() -> str | None:
            return next((file["id"] for file in self.files() if (file["name"], file["state"]) == (name, state)), None)

        expect(self.page).to_have_url(TRANSFER)
        wait_for(reached, f"{name} to be {state}")

    def wait_for_refusal(self, state: str) -> None:
        """Until a file of what was just sent is shown as `state`, on whichever page the upload has come to by then."""
        shown = self.page.locator(f'[data-file-state="{state}"], [data-upload="{state.lower()}"]')
        expect(shown).to_be_visible()

    def transfer_state(self, state: str) -> None:
        expect(self.page.locator(f'#status[data-state="{state}"]')).to_be_visible()

    def prove(self, email: str, link: str) -> None:
        seen = len(self.world.mails(email))
        self.page.goto(link)
        self.page.locator("main button").click()
        self.page.locator("#code").fill(wait_for_mail(self.world, email, CODE, after=seen))
        self.page.locator("main form.card button").click()
        self.arrive(f"{link}/files")

    def close(self) -> None:
        self.context.close()
        assert self.errors == []


class Household:
    """Everyone with an account; made when first needed."""

    def __init__(self, world: World, browser: Browser) -> None:
        self.world = world
        self.browser = browser

    @cached_property
    def administrator_account(self) -> tuple[str, str]:
        known = self.world.administrator()
        if known is not None:
            return known
        email = self.world.invite_administrator()
        person = Person(self.world, self.browser)
        person.accept_invitation(email, "管理 花子")
        person.close()
        return email, PASSWORD

    def administrator(self, locale: str = "ja-JP") -> Person:
        email, password = self.administrator_account
        person = Person(self.world, self.browser, locale)
        person.sign_in(email, password)
        return person

    @cached_property
    def member_email(self) -> str:
        return self._join(f"member-{self.world.run}@acme.test", "一般 太郎")

    @cached_property
    def careful_email(self) -> str:
        """A member of a group whose transfers wait until the administrator has agreed."""
        email = self._join(f"careful-{self.world.run}@acme.test", "慎重 次郎")
        person = self.administrator()
        ids = {each["email"]: each["id"] for each in person.call("GET", "/api/v1/members")["members"]}
        group = person.call("POST", "/api/v1/groups", {"name": f"設計 {self.world.run}"})["id"]
        person.call("PUT", f"/api/v1/groups/{group}/members", {"members": [ids[email]]})
        policy = {"approval": "Always", "approvers": [f"user:{ids[self.administrator_account[0]]}"]}
        person.call("PUT", f"/api/v1/policies/groups/{group}", policy)
        person.close()
        return email

    @cached_property
    def newcomer_email(self) -> str:
        """A member who has sent and received nothing."""
        return self._join(f"newcomer-{self.world.run}@acme.test", "新人 三郎")

    def _join(self, email: str, name: str) -> str:
        self.invite(email)
        person = Person(self.world, self.browser)
        person.accept_invitation(email, name)
        person.close()
        return email

    def careful_member(self, locale: str = "ja-JP") -> Person:
        person = Person(self.world, self.browser, locale)
        person.sign_in(self.careful_email)
        return person

    def member(self, locale: str = "ja-JP") -> Person:
        person = Person(self.world, self.browser, locale)
        person.sign_in(self.member_email)
        return person

    def invite(self, email: str, role: str = "member") -> None:
        administrator = self.administrator()
        administrator.page.goto("/members")
        administrator.page.locator("#email").fill(email)
        administrator.page.locator("#role").select_option(role)
        administrator.page.locator("section[aria-labelledby=invite-heading] button").click()
        expect(administrator.page.locator(".note.good")).to_contain_text(email)
        administrator.close()

    def stranger(self, locale: str = "ja-JP") -> Person:
        return Person(self.world, self.browser, locale)
