"""What feedparser reads in the files named on the command line, as JSON."""
import calendar, html, json, re, sys, warnings
import feedparser

warnings.simplefilter("ignore")


def plain(text):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


out = {}
for name in sys.argv[1:]:
    with open(name, "rb") as f:
        data = f.read()
    d = feedparser.parse(data, response_headers={"content-location": "http://feeds.example/feed"})
    out[name.rsplit("/", 1)[-1]] = [
        {
            "title": plain(e.get("title", "")),
            "link": e.get("link", ""),
            "id": e.get("id", ""),
            "date": (lambda t: calendar.timegm(t) if t else 0)(e.get("published_parsed") or e.get("updated_parsed")),
        }
        for e in d.entries
    ]
json.dump(out, sys.stdout)
