"""What a page must not have, whatever is on it: structure that assistive technology relies on, and no inline anything."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page

WIDTHS: Final = (1200, 360)  # CSS pixels: a desk, a small phone

_FAULTS: Final = """() => {
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


def look(page: Page, where: str) -> None:
    """Fail with every fault of the page as it is shown once all of it is there, at each width."""
    page.wait_for_load_state()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        faults = page.evaluate(_FAULTS)
        assert faults == [], f"{where} at {width} px: {faults}"
