// The story of docs/clients.md's Session.kt: StoryKt BASE CONTROL [short]. Prints "ok NAME" or "not ok NAME: what it got".
import java.io.IOException
import java.net.URL
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import okhttp3.HttpUrl
import okhttp3.OkHttpClient
import okhttp3.Request

/** Keeps one value; its calls number `from` to `to` throw, counted from the last reset. */
class Memory : Store {
    private var value: String? = null
    private var from = -1
    private var to = -1
    var calls = 0

    private fun turn() { if (calls++ in from until to) throw IOException("the store is locked") }
    @Synchronized override fun read(): String? { turn(); return value }
    @Synchronized override fun write(value: String) { turn(); this.value = value }
    fun fail(first: Int, count: Int) { calls = 0; from = first; to = minOf(Int.MAX_VALUE.toLong(), first.toLong() + count).toInt() }
}

class Story(private val base: String, private val control: String, private val short: Boolean) {
    private val ended = ArrayList<String>()
    private val plain = OkHttpClient.Builder().callTimeout(10, TimeUnit.SECONDS).build()
    private val user = told("/user")

    private fun step(name: String, got: Any?, want: Any?) = println(if (got == want) "ok $name" else "not ok $name: got $got, want $want")
    private fun told(what: String) = URL(control + what).readText().replace("\"", "")
    private fun launch(store: Store) = Session(store, "$base/api/auth", plain) { ended.add(it) }

    private fun get(session: Session): Int {
        val api = plain.newBuilder().addInterceptor(AddToken(session, HttpUrl.get(base))).authenticator(Renew(session)).build()
        return api.newCall(Request.Builder().url("$base/app/echo").build()).execute().use { it.code }
    }

    private fun say(outcome: Outcome) = when (outcome) {
        is Outcome.Signed -> "SIGNED"
        is Outcome.Ended -> "ENDED ${outcome.code}"
        is Outcome.Later -> "LATER ${outcome.code}"
    }

    private fun renewed(session: Session) = say(session.renew(session.current()!!))
    private fun signIn(session: Session) = say(session.signIn(user, "correct horse $user", "a \"test\""))

    fun tell() {
        val store = Memory()
        var session = launch(store)
        step("nobody is signed in at first", session.user(), null)
        step("a wrong password", say(session.signIn(user, "wrong", "test")), "LATER invalid_credentials")
        step("sign-in", listOf(signIn(session), session.user(), get(session)), listOf("SIGNED", user, 200))

        told("/expire")
        val shared = session
        val ten = List(10) { CompletableFuture.supplyAsync { get(shared) } }.map { it.get() }
        step("ten parallel requests cause one refresh", listOf(ten, told("/count")), listOf(List(10) { 200 }, "1"))

        told("/lose")
        step("an answer is lost", renewed(session), "LATER network")
        told("/well")
        session = launch(store)
        step("the next launch repeats it", listOf(session.user(), renewed(session), get(session)), listOf(user, "SIGNED", 200))
        step("with the same key", told("/keys"), "2")

        told("/fail")
        told("/expire")
        step("an outage: the 401, and the session stays", listOf(get(session), session.user()), listOf(401, user))
        told("/well")
        session.wake()
        step("afterwards all goes on", get(session), 200)

        told("/revoke")
        told("/hold")
        val held = session
        val flight = CompletableFuture.supplyAsync { renewed(held) }
        told("/held")
        val out = CompletableFuture.supplyAsync { held.signOut() }
        while (session.user() != null) Thread.sleep(5)
        val inn = CompletableFuture.supplyAsync { signIn(held) }
        told("/release")
        out.get()
        step("a sign-out and a sign-in win over the refresh under way, though its answer is the end",
            listOf(flight.get(), inn.get(), launch(store).user(), get(session), ended.size), listOf("LATER changed", "SIGNED", user, 200, 0))

        told("/revoke")
        step("a revoked session ends", listOf(renewed(session), session.user(), ended), listOf("ENDED session_revoked", null, listOf("session_revoked")))

        signIn(session)
        told("/offline")
        session.signOut()
        step("sign-out without a network", session.user(), null)
        told("/online")
        launch(store).wake()
        step("is told by the next launch", told("/logout"), "204")
        if (!short) sweep()
    }

    /** The store fails at each call in turn: once, three times, or until the next launch. The session outlives it, and nothing looks like theft. */
    private fun sweep() {
        ended.clear()
        val store = Memory()
        var points = 0
        var lost = 0
        for (count in listOf(1, 3, Int.MAX_VALUE)) {
            var first = 0
            while (true) {
                if (!outlives(store, first, count)) lost++
                if (store.calls <= first) break
                first++
            }
            points += first
        }
        step("a store that fails at each call: lost sessions of $points", lost + ended.size, 0)
        step("and false reuses", told("/refused"), "2")              // the two of revoked sessions, above
        step("which were some points", points > 12, true)
    }

    private fun outlives(store: Memory, first: Int, count: Int): Boolean {
        var session = launch(store)
        if (session.user() == null) signIn(session)
        store.fail(first, count)
        renewed(session)
        told("/lose")
        renewed(session)
        told("/well")
        session = launch(store)
        val before = store.calls
        if (count == Int.MAX_VALUE) store.fail(0, 0)
        val there = (1..5).asSequence().map { try { session.user() } catch (_: IOException) { null } }.firstOrNull { it != null }
        for (i in 1..5) if (there != null && renewed(session) == "SIGNED") break
        val calls = if (count == Int.MAX_VALUE) before else store.calls
        store.fail(0, 0)
        told("/expire")
        val well = there == user && get(session) == 200 && launch(store).user() == user
        store.calls = calls
        return well
    }
}

fun main(args: Array<String>) {
    Story(args[0], args[1], args.size > 2).tell()
    System.exit(0)
}
