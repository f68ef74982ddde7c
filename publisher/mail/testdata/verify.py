"""Verifies DKIM signatures by programs that share no code with ours.

verify.py dkimpy|opendkim  <  {"txt": {name: record}, "mails": [base64]}

prints a list with one list of booleans for each mail: dkimpy's has one for each
signature, opendkim's one for the mail. opendkim asks the DNS, so it wants a network
and mount namespace of its own (unshare -mn) in which this program is the DNS.
"""
import base64, json, os, socket, struct, subprocess, sys, tempfile, threading


def by_dkimpy(mails, txt):
    import dkim
    import nacl  # without it, dkimpy knows no Ed25519

    def look_up(name, timeout=5):
        value = txt.get(name.decode().rstrip("."))
        return value and value.encode()

    for mail in mails:
        d = dkim.DKIM(mail)
        count = sum(1 for name, _ in d.headers if name.lower() == b"dkim-signature")
        yield [bool(d.verify(idx=i, dnsfunc=look_up)) for i in range(count)]


def answer(query, txt):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    question = query[12 : at + 5]
    value = txt.get(".".join(labels).lower())
    if value is None:
        return query[:2] + struct.pack(">HHHHH", 0x8583, 1, 0, 0, 0) + question
    parts = [value[i : i + 255].encode() for i in range(0, len(value), 255)]
    data = b"".join(bytes([len(p)]) + p for p in parts)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(data)) + data
    return query[:2] + struct.pack(">HHHHH", 0x8580, 1, 1, 0, 0) + question + record


def serve(listener, txt):
    while True:
        query, client = listener.recvfrom(4096)
        listener.sendto(answer(query, txt), client)


def by_opendkim(mails, txt):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w", delete=False) as conf:
        conf.write("nameserver 127.0.0.1\n")
    try:
        subprocess.run(["mount", "--bind", conf.name, os.path.realpath("/etc/resolv.conf")], check=True)
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("127.0.0.1", 53))
        threading.Thread(target=serve, args=(listener, txt), daemon=True).start()
        for mail in mails:
            done = subprocess.run(["opendkim-testmsg"], input=mail, capture_output=True)
            if done.returncode:
                print(done.stderr.decode(errors="replace"), file=sys.stderr)
            yield [done.returncode == 0]
    finally:
        os.unlink(conf.name)


task = json.load(sys.stdin)
mails = [base64.b64decode(m) for m in task["mails"]]
print(json.dumps(list({"dkimpy": by_dkimpy, "opendkim": by_opendkim}[sys.argv[1]](mails, task["txt"]))))
