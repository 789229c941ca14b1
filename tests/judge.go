// Go's own sumdb/note and sumdb/tlog (golang.org/x/mod) are asked about our logs: one question a line in JSON, one answer a
// line. tests/judges.py builds this with the sources that come with the toolchain. Only the cosignature (C2SP
// tlog-cosignature, key type 4), which x/mod does not know, is written here.
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const leafBytes = 65

type question struct {
	Op      string
	Leaves  []byte // one after the other, 65 bytes each
	Index   int64
	Size    int64
	Old     int64
	Leaf    string
	Root    string
	OldRoot string `json:"old_root"`
	Proof   []string
	Note    []byte
	Keys    []string
	Text    string
	Secret  string
}

type answer struct {
	OK      bool     `json:"ok"`
	Why     string   `json:"why,omitempty"`
	Root    string   `json:"root,omitempty"`
	OldRoot string   `json:"old_root,omitempty"`
	Record  []string `json:"record"`
	Tree    []string `json:"tree"`
	Text    string   `json:"text,omitempty"`
	Size    int64    `json:"size,omitempty"`
	Names   []string `json:"names,omitempty"`
	Note    []byte   `json:"note,omitempty"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		told, err := json.Marshal(judged(line))
		if err != nil {
			panic(err)
		}
		out.Write(append(told, '\n'))
		out.Flush()
	}
}

func judged(line []byte) (found answer) {
	defer func() {
		if failure := recover(); failure != nil {
			found = answer{Why: fmt.Sprint("panic: ", failure)}
		}
	}()
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Why: err.Error()}
	}
	found, err := asked.judge()
	if err != nil {
		return answer{Why: err.Error()}
	}
	found.OK = true
	return found
}

func (q question) judge() (answer, error) {
	switch q.Op {
	case "log":
		return q.log()
	case "inclusion":
		return answer{}, q.inclusion()
	case "consistency":
		return answer{}, q.consistency()
	case "note":
		return q.note()
	case "sign":
		return q.sign()
	}
	return answer{}, errors.New("no such question")
}

// log makes the roots and both proofs from the leaves.
func (q question) log() (found answer, err error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
		read := make([]tlog.Hash, len(places))
		for i, place := range places {
			read[i] = stored[place]
		}
		return read, nil
	})
	size := int64(len(q.Leaves) / leafBytes)
	for n := int64(0); n < size; n++ {
		more, err := tlog.StoredHashes(n, q.Leaves[n*leafBytes:(n+1)*leafBytes], reader)
		if err != nil {
			return found, err
		}
		stored = append(stored, more...)
	}
	root, _ := tlog.TreeHash(size, reader)
	oldRoot, _ := tlog.TreeHash(q.Old, reader)
	found = answer{Root: hexed(root), OldRoot: hexed(oldRoot)}
	if size > 0 {
		record, err := tlog.ProveRecord(size, q.Index, reader)
		if err != nil {
			return found, err
		}
		found.Record = hexes(record)
	}
	if q.Old > 0 {
		tree, err := tlog.ProveTree(size, q.Old, reader)
		if err != nil {
			return found, err
		}
		found.Tree = hexes(tree)
	}
	return found, nil
}

func (q question) inclusion() error {
	hashes, err := unhexed(append([]string{q.Leaf, q.Root}, q.Proof...)...)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(hashes[2:], q.Size, hashes[1], q.Index, hashes[0])
}

func (q question) consistency() error {
	hashes, err := unhexed(append([]string{q.OldRoot, q.Root}, q.Proof...)...)
	if err != nil {
		return err
	}
	return tlog.CheckTree(hashes[2:], q.Size, hashes[1], q.Old, hashes[0])
}

// note opens a signed checkpoint and reads it; the first line is Go's own, so ours is put aside for the reading.
func (q question) note() (answer, error) {
	known, err := verifiers(q.Keys)
	if err != nil {
		return answer{}, err
	}
	opened, err := note.Open(q.Note, known)
	if err != nil {
		return answer{}, err
	}
	found := answer{Text: opened.Text}
	for _, one := range opened.Sigs {
		found.Names = append(found.Names, one.Name)
	}
	_, rest, _ := strings.Cut(opened.Text, "\n")
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return answer{}, err
	}
	found.Size, found.Root = tree.N, hexed(tree.Hash)
	return found, nil
}

func (q question) sign() (answer, error) {
	signer, err := note.NewSigner(q.Secret)
	if err != nil {
		return answer{}, err
	}
	signed, err := note.Sign(&note.Note{Text: q.Text}, signer)
	return answer{Note: signed}, err
}

func hexed(hash tlog.Hash) string { return hex.EncodeToString(hash[:]) }

func hexes(hashes []tlog.Hash) []string {
	found := []string{}
	for _, one := range hashes {
		found = append(found, hexed(one))
	}
	return found
}

func unhexed(texts ...string) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		content, err := hex.DecodeString(text)
		if err != nil || len(content) != tlog.HashSize {
			return nil, errors.New("not a hash")
		}
		copy(found[i][:], content)
	}
	return found, nil
}

func verifiers(keys []string) (note.Verifiers, error) {
	var known []note.Verifier
	for _, key := range keys {
		one, err := note.NewVerifier(key)
		if err != nil {
			one, err = newCosigner(key)
		}
		if err != nil {
			return nil, err
		}
		known = append(known, one)
	}
	return note.VerifierList(known...), nil
}

// cosigner is a witness's key: a time of eight bytes, and a signature over that time and the checkpoint.
type cosigner struct {
	name string
	key  ed25519.PublicKey
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("not a key")
	}
	content, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(content) != 33 || content[0] != 4 {
		return nil, errors.New("not a witness's key")
	}
	made := cosigner{parts[0], content[1:]}
	if fmt.Sprintf("%08x", made.KeyHash()) != parts[1] {
		return nil, errors.New("not the hash of this key")
	}
	return made, nil
}

func (c cosigner) Name() string { return c.name }

func (c cosigner) KeyHash() uint32 {
	sum := sha256.Sum256([]byte(c.name + "\n\x04" + string(c.key)))
	return binary.BigEndian.Uint32(sum[:])
}

func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	return ed25519.Verify(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text), signature[8:])
}
