"""Every page in both languages: structure that assistive technology relies on, and nothing the policy forbids."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser_world import PASSWORD, World, wait_for_mail
from people_in_browsers import DELIVERY, Household

FAULTS = """() => {
  const faults = [];
  const shown = (e) => e.getClientRects().length > 0;
  const name = (e) => (e.getAttribute('aria-label') || (e.labels && [...e.labels].map((l) => l.textContent).join(' '))
    || (e.getAttribute('aria-labelledby') && document.getElementById(e.getAttribute('aria-labelledby'))?.textContent)
    || e.textContent || e.querySelector?.('img[alt]')?.alt || '').trim();
  if (document.querySelectorAll('h1').length !== 1) faults.push('not exactly one h1');
  if (!document.title.trim()) faults.push('no title');
  if (document.querySelectorAll('main').length !== 1) faults.push('not exactly one main');
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) faults.push(`heading skips to ${heading.tagName}: ${heading.textContent}`);
    level = now;
  }
  for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href], progress')) {
    if (!name(e)) faults.push('no name: ' + e.outerHTML.slice(0, 120));
  }
  for (const image of document.querySelectorAll('img:not([alt])')) faults.push('no alt: ' + image.src);
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  for (const id of ids) if (ids.filter((other) => other === id).length > 1) faults.push('id twice: ' + id);
  for (const attribute of ['aria-describedby', 'aria-labelledby']) {
    for (const e of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of e.getAttribute(attribute).split(/\\s+/)) {
        if (!ids.includes(id)) faults.push(`${attribute} names nothing: ${id}`);
      }
    }
  }
  for (const e of document.querySelectorAll('[style], [onclick], script:not([src]), style')) {
    faults.push('inline: ' + e.outerHTML.slice(0, 120));
  }
  for (const table of document.querySelectorAll('table')) {
    if (!table.querySelector('thead th[scope=col]')) faults.push('table without column headings');
  }
  for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden], [type=file]), select')) {
    if (shown(e) && !e.closest('p, li, td, .skip') && e.getBoundingClientRect().height < 24) {
      faults.push('smaller than 24 px (WCAG 2.5.8): ' + e.outerHTML.slice(0, 120));
    }
  }
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1);
    faults.push('scrolls sideways: ' + (wide.at(-1)?.outerHTML.slice(0, 120) ?? ''));
  }
  return faults;
}"""

MEMBER_PAGES = ("/transfers", "/transfers/new", "/members", "/changes", "/audit", "/about", "/transfers/nothing-here")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_pages_of_a_signed_in_administrator(household: Household, language: str) -> None:
    person = household.administrator()
    for path in MEMBER_PAGES:
        _check(person.page, path, language)
    person.close()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_pages_before_signing_in(household: Household, language: str) -> None:
    person = household.stranger()
    for path in ("/sign-in", "/about", "/invitations/unknown", "/r/unknown"):
        _check(person.page, path, language)
    person.close()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_pages_of_a_transfer(world: World, household: Household, folder: Path, language: str) -> None:
    file = folder / "とても長い名前のファイル_最終版_確認済み_2026年度_第3四半期_売上報告書_修正2.xlsx"
    file.write_bytes(b"numbers")
    address = f"reader-{language}-{world.run}@client.test"
    sender = household.member()
    sender.compose([file], [address], subject="W" * 200)
    sender.send()
    sender.transfer_state("Delivered")
    _check(sender.page, sender.page.url, language)
    sender.close()
    link = wait_for_mail(world, address, DELIVERY)
    reader = household.stranger()
    _check(reader.page, link, language)
    _check(reader.page, f"{link}/verify", language)
    reader.prove(address, link)
    _check(reader.page, f"{link}/files", language)
    reader.close()


def test_signing_in_by_keyboard_alone(world: World, household: Household) -> None:
    email = household.member_email
    person = household.stranger("en-US")
    page = person.page
    page.goto("/sign-in")
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type("a wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    expect(page.locator("#email")).to_be_focused()
    expect(page.locator("#email")).to_have_value(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{world.url}/transfers")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    person.close()


def test_the_language_is_kept_for_the_next_page(household: Household) -> None:
    person = household.stranger("ja-JP")
    person.page.goto("/sign-in?next=/transfers/new")
    person.page.get_by_role("link", name="English").click()
    expect(person.page.locator("h1")).to_have_text("Sign in")
    expect(person.page.locator("input[name=next]")).to_have_value("/transfers/new")
    person.page.goto("/about")
    expect(person.page.locator("html")).to_have_attribute("lang", "en")
    person.close()


def _check(page: Page, address: str, language: str) -> None:
    page.goto(f"{address}?lang={language}")
    assert page.locator("html").get_attribute("lang") == language
    for width in (1200, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(FAULTS) == [], f"{address} at {width} px"
