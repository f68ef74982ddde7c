package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestServiceUnit has systemd's own tools judge the unit: nothing that it would not
// understand, and little that the service could do beyond its job.
func TestServiceUnit(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	h.run([]int{exitUsage}, "service", "install", "--print") // there is no state folder yet
	h.run([]int{exitDone}, "status")
	odd := filepath.Join(h.dir, `an odd $HOME 100% "place"`)
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	h.run([]int{exitUsage}, "service", "install", "--print", "--binary", filepath.Join(odd, "crieur"))
	program := filepath.Join(t.TempDir(), "crieur")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{"system": {"--as", "daemon"}, "user": {"--user"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			h.run([]int{exitDone}, append([]string{"service", "install", "--dir", dir, "--binary", program, "--state", odd}, flags...)...)
			path := filepath.Join(dir, "crieur.service")
			unit, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if printed := h.run([]int{exitDone}, append([]string{"service", "install", "--print", "--dir", dir, "--binary", program, "--state", odd}, flags...)...); string(printed) != string(unit) {
				t.Errorf("printed is\n%s\nwritten is\n%s", printed, unit)
			}
			if err := os.WriteFile(path, []byte("# mine\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			h.run([]int{exitUsage}, append([]string{"service", "install", "--dir", dir, "--binary", program}, flags...)...)
			if err := os.WriteFile(path, unit, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := exec.LookPath("systemd-analyze"); err != nil {
				t.Fatal("systemd-analyze is not on this machine; sh .ci/deps installs what is missing")
			}
			out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", "--"+name, path).CombinedOutput()
			for _, line := range strings.Split(string(out), "\n") {
				if strings.Contains(line, "crieur.service") {
					t.Errorf("systemd says: %s (%v)", line, err)
				}
			}
			if name == "user" {
				return
			}
			out, err = exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", path).CombinedOutput()
			found := regexp.MustCompile(`exposure level for crieur.service: ([0-9.]+)`).FindSubmatch(out)
			if found == nil {
				t.Fatalf("systemd-analyze security: %v\n%s", err, out)
			}
			level, _ := strconv.ParseFloat(string(found[1]), 64)
			t.Logf("exposure level %.1f of 10", level)
			if level > 2.5 {
				t.Errorf("exposure level %.1f\n%s", level, out)
			}
		})
	}
}
