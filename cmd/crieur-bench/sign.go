package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// bareSigning makes n signatures with an RSA-2048 key on all cores and does nothing
// else: what signed mail is measured against. It prints a line.
func bareSigning(n int) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	var next atomic.Int64
	var problem atomic.Pointer[error]
	cores := runtime.GOMAXPROCS(0)
	start, before := time.Now(), processorTime()
	for range cores {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
				if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]); err != nil {
					problem.Store(&err)
				}
			}
		})
	}
	all.Wait()
	if err := problem.Load(); err != nil {
		return *err
	}
	fmt.Printf("sign keys=rsa cores=%d signatures/s=%.0f cpu-s/1000=%.4f\n", cores, float64(n)/time.Since(start).Seconds(), (processorTime()-before)/float64(n)*1000)
	return nil
}
