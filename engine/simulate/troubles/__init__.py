"""One trouble for every rule: how its incident is planted, and how exports tell of it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.simulate.trouble import Trouble
from engine.simulate.troubles import a_agents, a_orders, a_service, b_pages, b_prices, c_ads, c_promotion, d_sales, e_risk, first

TROUBLES: Mapping[str, Trouble] = {
    **first.TROUBLES,
    **a_service.TROUBLES,
    **a_orders.TROUBLES,
    **a_agents.TROUBLES,
    **b_pages.TROUBLES,
    **b_prices.TROUBLES,
    **c_promotion.TROUBLES,
    **c_ads.TROUBLES,
    **d_sales.TROUBLES,
    **e_risk.TROUBLES,
}
