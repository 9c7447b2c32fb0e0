package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// most is how many refreshes share a commit.
const most = 256

// sessions keeps one row for each session, which counts its generations. A token is "session.generation.mac": a forged one
// costs no statement, and a spent one with a right mac is a reuse, which ends the session. One goroutine has the database,
// by the driver itself; it takes all that wait into one transaction, and they are answered when that is committed.
type sessions struct {
	db              driver.Conn
	add, turn, end  driver.Stmt
	begin, commit   driver.Stmt
	rollback        driver.Stmt
	asked           chan *asked
	closing, closed chan struct{}
}

type asked struct {
	session, generation int64
	user                string
	err                 error
	done                chan struct{}
}

func openSessions(dir string) (keeper, error) {
	db, err := (&sqlite3.SQLiteDriver{}).Open(source(dir, "sessions"))
	if err != nil {
		return nil, err
	}
	create := `CREATE TABLE IF NOT EXISTS session(id INTEGER PRIMARY KEY, user TEXT NOT NULL, generation INTEGER NOT NULL, expires_at INTEGER NOT NULL)`
	if _, err = db.(driver.ExecerContext).ExecContext(context.Background(), create, nil); err != nil {
		return nil, err
	}
	s := &sessions{db: db, asked: make(chan *asked, most), closing: make(chan struct{}), closed: make(chan struct{})}
	for text, statement := range map[string]*driver.Stmt{
		`INSERT INTO session(user, generation, expires_at) VALUES (?, 0, ?)`:                                                                   &s.add,
		`UPDATE session SET generation = generation + 1, expires_at = ?4 WHERE id = ?1 AND generation = ?2 AND expires_at > ?3 RETURNING user`: &s.turn,
		`DELETE FROM session WHERE id = ?`: &s.end,
		`BEGIN IMMEDIATE`:                  &s.begin,
		`COMMIT`:                           &s.commit,
		`ROLLBACK`:                         &s.rollback,
	} {
		if *statement, err = db.Prepare(text); err != nil {
			return nil, err
		}
	}
	go s.work()
	return s, nil
}

func exec(statement driver.Stmt, values ...driver.Value) (driver.Result, error) {
	return statement.Exec(values) //nolint:staticcheck // the driver's own way, without a goroutine for each call
}

func mac(text string) string {
	h := hmac.New(sha256.New, refreshSecret)
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func write(session, generation int64) string {
	text := strconv.FormatInt(session, 10) + "." + strconv.FormatInt(generation, 10)
	return text + "." + mac(text)
}

func read(token string) (session, generation int64, good bool) {
	last := strings.LastIndexByte(token, '.')
	first := strings.IndexByte(token, '.')
	if first < 0 || first == last || !hmac.Equal([]byte(mac(token[:last])), []byte(token[last+1:])) {
		return 0, 0, false
	}
	session, err := strconv.ParseInt(token[:first], 10, 64)
	if err != nil {
		return 0, 0, false
	}
	generation, err = strconv.ParseInt(token[first+1:last], 10, 64)
	return session, generation, err == nil
}

func (s *sessions) create(user string) (string, error) {
	made, err := exec(s.add, user, time.Now().Add(month).Unix())
	if err != nil {
		return "", err
	}
	id, err := made.LastInsertId()
	return write(id, 0), err
}

func (s *sessions) rotate(token string) (string, string, error) {
	session, generation, good := read(token)
	if !good {
		return "", "", nil
	}
	one := &asked{session: session, generation: generation, done: make(chan struct{})}
	select {
	case s.asked <- one:
		<-one.done
	case <-s.closing:
		return "", "", errors.New("closing")
	}
	return write(session, generation+1), one.user, one.err
}

// work takes what waits, as much as there is, until the end.
func (s *sessions) work() {
	defer close(s.closed)
	batch := make([]*asked, 0, most)
	for {
		select {
		case one := <-s.asked:
			batch = append(batch[:0], one)
		case <-s.closing:
			return
		}
		for len(s.asked) > 0 && len(batch) < most {
			batch = append(batch, <-s.asked)
		}
		err := s.turnAll(batch)
		for _, one := range batch {
			one.err = err
			close(one.done)
		}
	}
}

func (s *sessions) turnAll(batch []*asked) error {
	if _, err := exec(s.begin); err != nil {
		return err
	}
	now := time.Now()
	for _, one := range batch {
		if err := s.turnOne(one, now); err != nil {
			_, _ = exec(s.rollback)
			return err
		}
	}
	_, err := exec(s.commit)
	return err
}

func (s *sessions) turnOne(one *asked, now time.Time) error {
	rows, err := s.turn.Query([]driver.Value{one.session, one.generation, now.Unix(), now.Add(month).Unix()}) //nolint:staticcheck // as in exec
	if err != nil {
		return err
	}
	user := []driver.Value{nil}
	err = rows.Next(user)
	_ = rows.Close()
	if err == io.EOF {
		_, err = exec(s.end, one.session)
		return err
	}
	if err == nil {
		one.user = user[0].(string)
	}
	return err
}

func (s *sessions) close() error {
	close(s.closing)
	<-s.closed
	for _, statement := range []driver.Stmt{s.add, s.turn, s.end, s.begin, s.commit, s.rollback} {
		_ = statement.Close()
	}
	return s.db.Close()
}
