// peer: session servers in Go, net/http and go-sqlite3.
//
//	peer token seed|serve DIR COUNT|PORT      a row for each token, a transaction for each refresh: an afternoon's work (token.go)
//	peer session seed|serve DIR COUNT|PORT    a row for each session, commits grouped: what one makes of it who wants it fast (session.go)
//
// The database is in WAL mode, SYNCHRONOUS=NORMAL or FULL.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt"
)

const month = 30 * 24 * time.Hour

var accessSecret, refreshSecret = []byte("access secret of at least thirty-two bytes"), []byte("refresh secret of at least thirty-two bytes")

// A way to keep sessions. Both functions may be called from many goroutines.
type keeper interface {
	create(user string) (refresh string, err error)
	// rotate gives the next token and its user; a user that is empty means a token that isn't good.
	rotate(refresh string) (next, user string, err error)
	close() error
}

type pair struct {
	Access  string `json:"accessToken,omitempty"`
	Refresh string `json:"refreshToken"`
}

func access(user string) (string, error) {
	now := time.Now()
	claims := jwt.StandardClaims{Subject: user, IssuedAt: now.Unix(), ExpiresAt: now.Add(15 * time.Minute).Unix()}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(accessSecret)
}

func answer(w http.ResponseWriter, status int, body interface{}) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}

func refresh(k keeper) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked, given pair
		if json.NewDecoder(http.MaxBytesReader(w, r.Body, 8192)).Decode(&asked) != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": "no JSON"})
			return
		}
		next, user, err := k.rotate(asked.Refresh)
		if err == nil && user != "" {
			given.Refresh = next
			given.Access, err = access(user)
		}
		switch {
		case err != nil:
			log.Print(err)
			answer(w, http.StatusInternalServerError, map[string]string{"error": "trouble"})
		case user == "":
			answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid token"})
		default:
			answer(w, http.StatusOK, given)
		}
	}
}

func seed(k keeper, count int) error {
	for i := 0; i < count; i++ {
		token, err := k.create(fmt.Sprint("user", i))
		if err != nil {
			return err
		}
		fmt.Println(token)
	}
	return k.close()
}

func serve(k keeper, port string) error {
	http.HandleFunc("/refresh", refresh(k))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		if err := k.close(); err != nil {
			log.Print(err)
		}
		os.Exit(0)
	}()
	return http.ListenAndServe("127.0.0.1:"+port, nil)
}

func run(kind, verb, dir, number string) error {
	open := map[string]func(string) (keeper, error){"token": openTokens, "session": openSessions}[kind]
	k, err := open(dir)
	if err != nil {
		return err
	}
	if verb == "serve" {
		return serve(k, number)
	}
	count, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	return seed(k, count)
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		log.Fatal(err)
	}
}

// source is the database's name with its settings, as go-sqlite3 takes them.
func source(dir, name string) string {
	level := os.Getenv("SYNCHRONOUS")
	if level == "" {
		level = "NORMAL"
	}
	return "file:" + dir + "/" + name + ".db?_journal_mode=WAL&_synchronous=" + level + "&_busy_timeout=5000&_txlock=immediate"
}
