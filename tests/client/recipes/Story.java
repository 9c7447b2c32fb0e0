// The story of docs/clients.md's Session.java: java Story BASE CONTROL [short]. Prints "ok NAME" or "not ok NAME: what it got".
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;

public final class Story {
    static String base, control;
    static final List<String> ended = new ArrayList<>();

    /** Keeps one value; its calls number `from` to `to` throw, counted from the last reset. */
    static final class Memory implements Session.Store {
        String value;
        int calls;
        long from = -1, to = -1;

        private void turn() throws IOException {
            int call = calls++;
            if (call >= from && call < to) throw new IOException("the store is locked");
        }

        public synchronized String read() throws IOException { turn(); return value; }
        public synchronized void write(String next) throws IOException { turn(); value = next; }
        void fail(int first, int count) { calls = 0; from = first; to = (long) first + count; }
    }

    static void step(String name, Object got, Object want) {
        System.out.println(got.equals(want) ? "ok " + name : "not ok " + name + ": got " + got + ", want " + want);
    }

    static String told(String what) throws Exception {
        String text = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(control + what)).build(), BodyHandlers.ofString()).body();
        return text.replace("\"", "");
    }

    static Session launch(Session.Store store) { return new Session(store, base + "/api/auth", ended::add); }

    static int get(Session session) throws Exception {
        return session.send(HttpRequest.newBuilder(URI.create(base + "/app/echo")), BodyHandlers.discarding()).statusCode();
    }

    static String renewed(Session session) {
        Session.Pair now = session.current();
        Session.Outcome outcome = session.renew(now);
        return outcome.kind() + (outcome.code() == null ? "" : " " + outcome.code());
    }

    static String signIn(Session session, String user) { return session.signIn(user, "correct horse " + user, "a \"test\"").kind().toString(); }

    public static void main(String[] args) throws Exception {
        base = args[0];
        control = args[1];
        String user = told("/user");
        Memory store = new Memory();
        Session session = launch(store);
        step("nobody is signed in at first", String.valueOf(session.user()), "null");
        step("a wrong password", session.signIn(user, "wrong", "test").code(), "invalid_credentials");
        step("sign-in", List.of(signIn(session, user), session.user(), get(session)), List.of("SIGNED", user, 200));

        told("/expire");
        List<CompletableFuture<Integer>> ten = new ArrayList<>();
        Session shared = session;
        for (int i = 0; i < 10; i++) ten.add(CompletableFuture.supplyAsync(() -> { try { return get(shared); } catch (Exception e) { return 0; } }));
        List<Integer> statuses = new ArrayList<>();
        for (CompletableFuture<Integer> one : ten) statuses.add(one.get());
        step("ten parallel requests cause one refresh", List.of(statuses, told("/count")), List.of(Collections.nCopies(10, 200), "1"));

        told("/lose");
        step("an answer is lost", renewed(session), "LATER network");
        told("/well");
        session = launch(store);
        step("the next launch repeats it", List.of(session.user(), renewed(session), get(session)), List.of(user, "SIGNED", 200));
        step("with the same key", told("/keys"), "2");

        told("/fail");
        told("/expire");
        step("an outage: the 401, and the session stays", List.of(get(session), session.user()), List.of(401, user));
        told("/well");
        session.wake();
        step("afterwards all goes on", get(session), 200);

        told("/revoke");
        told("/hold");
        Session held = session;
        CompletableFuture<String> flight = CompletableFuture.supplyAsync(() -> renewed(held));
        told("/held");
        CompletableFuture<Void> out = CompletableFuture.runAsync(() -> { try { held.signOut(); } catch (IOException e) { throw new RuntimeException(e); } });
        while (session.user() != null) Thread.sleep(5);
        CompletableFuture<String> in = CompletableFuture.supplyAsync(() -> signIn(held, user));
        told("/release");
        out.get();
        step("a sign-out and a sign-in win over the refresh under way, though its answer is the end", List.of(flight.get(), in.get(), launch(store).user(), get(session), ended.size()),
            List.of("LATER changed", "SIGNED", user, 200, 0));

        told("/revoke");
        step("a revoked session ends", List.of(renewed(session), String.valueOf(session.user()), ended), List.of("ENDED session_revoked", "null", List.of("session_revoked")));

        signIn(session, user);
        told("/offline");
        session.signOut();
        step("sign-out without a network", String.valueOf(session.user()), "null");
        told("/online");
        launch(store).wake();
        step("is told by the next launch", told("/logout"), "204");
        if (args.length == 2) sweep(user);
    }

    /** The store fails at each call in turn: once, three times, or until the next launch. The session outlives it, and nothing looks like theft. */
    static void sweep(String user) throws Exception {
        Memory store = new Memory();
        int points = 0, lost = 0;
        ended.clear();
        for (int count : new int[] { 1, 3, Integer.MAX_VALUE })
            for (int first = 0; ; first++) {
                if (!outlives(user, store, first, count)) lost++;
                if (store.calls <= first) break;
                points++;
            }
        step("a store that fails at each call: lost sessions of " + points, lost + ended.size(), 0);
        step("and false reuses", told("/refused"), "2");           // the two of revoked sessions, above
        step("which were some points", points > 12, true);
    }

    static boolean outlives(String user, Memory store, int first, int count) throws Exception {
        Session session = launch(store);
        if (session.user() == null) signIn(session, user);
        store.fail(first, count);
        renewed(session);
        told("/lose");
        renewed(session);
        told("/well");
        session = launch(store);
        int before = store.calls;
        if (count == Integer.MAX_VALUE) store.fail(0, 0);
        String there = null;
        for (int i = 0; i < 5 && there == null; i++) try { there = session.user(); } catch (IOException unreadable) { /* waits */ }
        for (int i = 0; i < 5 && there != null && !renewed(session).equals("SIGNED"); i++) { /* until the store is well */ }
        int calls = count == Integer.MAX_VALUE ? before : store.calls;
        store.fail(0, 0);
        told("/expire");
        boolean well = user.equals(there) && get(session) == 200 && user.equals(launch(store).user());
        store.calls = calls;
        return well;
    }
}
