"""Computes with dateutil and croniter when a schedule is due; compares with the fixture, or writes it with --write.

The fixture holds, for every form of `reset_day`, the day of each month (0 where a month has none) as dateutil's
recurrence rules give it, and for each of a few cron expressions the times around a few moments as croniter does.
"""

import datetime as dt
import json
import sys

from croniter import croniter
from dateutil import rrule

UTC = dt.timezone.utc
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ORDINALS = ["1st", "2nd", "3rd", "4th", "5th"]
# 28 years are every calendar there is; 2100 is not a leap year.
SPANS = [(2024, 2052), (2096, 2105)]
EXPRESSIONS = [
    "30 * * * *", "0 20 * * *", "0 21 * * *", "30 22 * * *", "*/15 * * * *", "0 22 * * *",
    "59 23 31 12 *", "0 0 29 2 *", "0 0 31 * *", "0 0 30 * *", "15 10 1 1,4,7,10 *", "5 4 * * 0",
    "5 4 * * 7", "0 6 * * 1-5", "0 6 * * mon,wed", "10-20/5 8-10 * * *", "0 0 13 * 5", "0 12 1-7 3 *",
    "0 0 L * *", "0 22 * * 1#1", "0 22 * * 5#5", "17 3 1-31/2 * *",
]
MOMENTS = [
    "2027-01-01T00:00:00", "2027-02-28T23:59:59", "2028-02-29T12:30:00", "2028-12-31T23:59:59",
    "2026-11-21T20:00:00", "2100-02-28T22:00:01", "2027-03-28T01:30:00",
]


def rules():
    for index, name in enumerate(WEEKDAYS):
        day = rrule.weekday(index)
        for number, ordinal in enumerate(ORDINALS, 1):
            yield f"{ordinal} {name}", {"byweekday": day(number)}
        yield f"last {name}", {"byweekday": day(-1)}
    yield "last", {"bymonthday": -1}
    for number in range(1, 32):
        yield str(number), {"bymonthday": number}


def days(rule):
    found = []
    for first, end in SPANS:
        start, stop = dt.datetime(first, 1, 1), dt.datetime(end, 1, 1)
        dates = {(d.year, d.month): d.day for d in rrule.rrule(rrule.MONTHLY, start, until=stop, **rule)}
        found += [dates.get((year, month), 0) for year in range(first, end) for month in range(1, 13)]
    return found


def times(expression):
    found = {}
    for moment in MOMENTS:
        start = dt.datetime.fromisoformat(moment).replace(tzinfo=UTC)
        ahead, back = croniter(expression, start), croniter(expression, start)
        found[moment] = {
            "next": [int(ahead.get_next(dt.datetime).timestamp()) for _ in range(5)],
            "before": [int(back.get_prev(dt.datetime).timestamp()) for _ in range(5)],
        }
    return found


def main():
    path, write = sys.argv[1], "--write" in sys.argv
    expected = {
        "spans": SPANS,
        "reset_days": {name: days(rule) for name, rule in rules()},
        "expressions": {text: times(text) for text in EXPRESSIONS},
    }
    text = json.dumps(expected, separators=(",", ":")).replace('],"', '],\n"').replace('},"', '},\n"') + "\n"
    if write:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return
    with open(path, encoding="ascii") as file:
        if file.read() != text:
            sys.exit(f"{path} differs from the results of dateutil and croniter")
    months = sum(len(days) for days in expected["reset_days"].values())
    print(f"ok: {len(expected['reset_days'])} reset days in {months} months, {len(EXPRESSIONS)} expressions")


main()
