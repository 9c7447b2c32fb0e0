package main

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt"
	_ "github.com/mattn/go-sqlite3"
)

// A refresh token is a JWT whose id has a row. The reuse of one revokes its family.
type tokens struct {
	db                     *sql.DB
	find, add, use, revoke *sql.Stmt
}

type refreshClaims struct {
	jwt.StandardClaims
	Family string `json:"family"`
}

func openTokens(dir string) (keeper, error) {
	db, err := sql.Open("sqlite3", source(dir, "tokens"))
	if err != nil {
		return nil, err
	}
	// One writer at a time is all that SQLite has: a second connection would only wait for it.
	db.SetMaxOpenConns(1)
	if _, err = db.Exec(`CREATE TABLE IF NOT EXISTS refresh_tokens(id TEXT PRIMARY KEY, family TEXT NOT NULL, user TEXT NOT NULL,
		used INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0, expires_at INTEGER NOT NULL);
		CREATE INDEX IF NOT EXISTS refresh_family ON refresh_tokens(family)`); err != nil {
		return nil, err
	}
	t := &tokens{db: db}
	for text, statement := range map[string]**sql.Stmt{
		`SELECT family, user, used, revoked, expires_at FROM refresh_tokens WHERE id = ?`: &t.find,
		`INSERT INTO refresh_tokens(id, family, user, expires_at) VALUES (?, ?, ?, ?)`:    &t.add,
		`UPDATE refresh_tokens SET used = 1 WHERE id = ?`:                                 &t.use,
		`UPDATE refresh_tokens SET revoked = 1 WHERE family = ?`:                          &t.revoke,
	} {
		if *statement, err = db.Prepare(text); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func random() (string, error) {
	var b [16]byte
	_, err := rand.Read(b[:])
	return hex.EncodeToString(b[:]), err
}

// issue writes the row of a new token, by add, and signs it.
func issue(add *sql.Stmt, user, family string) (string, error) {
	id, err := random()
	if err != nil {
		return "", err
	}
	expires := time.Now().Add(month).Unix()
	if _, err = add.Exec(id, family, user, expires); err != nil {
		return "", err
	}
	claims := refreshClaims{jwt.StandardClaims{Subject: user, Id: id, ExpiresAt: expires}, family}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(refreshSecret)
}

func (t *tokens) create(user string) (string, error) {
	family, err := random()
	if err != nil {
		return "", err
	}
	return issue(t.add, user, family)
}

func (t *tokens) rotate(token string) (string, string, error) {
	var claims refreshClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(read *jwt.Token) (interface{}, error) {
		if read.Method != jwt.SigningMethodHS256 {
			return nil, fmt.Errorf("not HS256")
		}
		return refreshSecret, nil
	})
	if err != nil {
		return "", "", nil
	}
	tx, err := t.db.Begin()
	if err != nil {
		return "", "", err
	}
	next, user, err := t.turn(tx, claims.Id)
	if err != nil {
		_ = tx.Rollback()
		return "", "", err
	}
	return next, user, tx.Commit()
}

func (t *tokens) turn(tx *sql.Tx, id string) (string, string, error) {
	var family, user string
	var used, revoked bool
	var expires int64
	err := tx.Stmt(t.find).QueryRow(id).Scan(&family, &user, &used, &revoked, &expires)
	if err == sql.ErrNoRows || err == nil && (revoked || expires < time.Now().Unix()) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	if used {
		_, err = tx.Stmt(t.revoke).Exec(family)
		return "", "", err
	}
	if _, err = tx.Stmt(t.use).Exec(id); err != nil {
		return "", "", err
	}
	next, err := issue(tx.Stmt(t.add), user, family)
	return next, user, err
}

func (t *tokens) close() error {
	return t.db.Close()
}
