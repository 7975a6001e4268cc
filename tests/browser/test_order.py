"""What a page does must not depend on which comes first: its script or a click, the scanner or the sender."""

from __future__ import annotations

import time

from playwright.sync_api import Route

from people_in_browsers import Household

LATE_SECONDS = 2.0  # what breaks without the product's care breaks within it; nothing waits for its end
_DRAFT = {"recipients": [{"email": "order@client.test"}], "subject": "Order"}


def test_a_click_before_the_script_is_asked_about_all_the_same(household: Household) -> None:
    sender = household.member("en-US")
    draft = sender.call("POST", "/api/v1/transfers", _DRAFT)["id"]
    sender.page.route("**/js/page.js", _late)
    sender.page.goto(f"/transfers/{draft}", wait_until="commit")
    sender.page.get_by_role("button", name="Cancel the transfer").click()
    sender.page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    sender.transfer_state("Draft")
    sender.close()


def _late(route: Route) -> None:
    time.sleep(LATE_SECONDS)
    route.continue_()
