package sandbox_test

import "testing"

const recordCID = "bafyreiawqc4kb6id7455564un3gafzydtvn2bk4ci463lfvypig6bdfh5e"

// Records and blobs get the CIDs that the AT Protocol gives them. The wanted values
// were made with Python's hashlib over DAG-CBOR written out by hand.
func TestCIDs(t *testing.T) {
	s := start(t, config(t))
	b := blueskyOf(t, s)
	a := want(t, b.put(tid1, map[string]any{"$type": "app.bsky.feed.post", "text": "é", "createdAt": "2026-11-23T08:00:00Z"}), 200)
	if got, want := a.text("cid"), recordCID; got != want {
		t.Errorf("record %s, want %s", got, want)
	}
}
