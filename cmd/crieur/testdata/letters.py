"""Reads delivered mails as a mail program would, and says what it finds in them.

letters.py  <  {"imap": [host, port], "password": …, "boxes": […], "folder": …, "txt": {name: record}}

reads the boxes by IMAP, or the files of a maildir, and prints for each mail: its
headers, its texts, what Python's email package finds wrong with any part of it, and
for each of its DKIM signatures whether dkimpy finds it valid.
"""
import base64, email, email.policy, imaplib, json, os, sys

import dkim
import nacl  # without it, dkimpy knows no Ed25519


def by_imap(host, port, boxes, password):
    for box in boxes:
        c = imaplib.IMAP4(host, port)
        c.login(box, password)
        c.select("INBOX", readonly=True)
        for part in c.uid("fetch", "1:*", "(BODY.PEEK[])")[1]:
            if isinstance(part, tuple):
                yield part[1]
        c.logout()


def by_folder(folder):
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            yield f.read()


def valid(mail, txt):
    def look_up(name, timeout=5):
        value = txt.get(name.decode().rstrip("."))
        return value and value.encode()

    d = dkim.DKIM(mail)
    count = sum(1 for name, _ in d.headers if name.lower() == b"dkim-signature")
    return [bool(d.verify(idx=i, dnsfunc=look_up)) for i in range(count)]


def letter(raw, txt):
    m = email.message_from_bytes(raw, policy=email.policy.default)
    defects = [repr(d) for part in m.walk() for d in part.defects]
    defects += [repr(d) for part in m.walk() for v in part.values() for d in getattr(v, "defects", ())]
    texts = {part.get_content_type(): part.get_content() for part in m.walk() if not part.is_multipart()}
    # A maildir's lines end as Unix has them; DKIM speaks of the wire's.
    wire = raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")
    return {
        "delivered_to": str(m["Delivered-To"] or ""),
        "to": m["To"].addresses[0].addr_spec if m["To"] and m["To"].addresses else "",
        "subject": str(m["Subject"]),
        "id": str(m["Message-ID"]),
        "unsubscribe": str(m["List-Unsubscribe"]),
        "parts": [part.get_content_type() for part in m.walk()],
        "html": texts.get("text/html", ""),
        "text": texts.get("text/plain", ""),
        "defects": defects,
        "dkim": valid(wire, txt),
        "raw": base64.b64encode(wire).decode(),
    }


task = json.load(sys.stdin)
if task.get("imap"):
    mails = by_imap(*task["imap"], task["boxes"], task["password"])
else:
    mails = by_folder(task["folder"])
json.dump([letter(raw, task["txt"]) for raw in mails], sys.stdout)
