/*
 * words_de: the pages in German.
 */
#include "door/words.h"

const struct language words_de = { "de", {
	[WORD_sign_in] = "Anmelden",
	[WORD_sign_in_to] = "und weiter zu {1}",
	[WORD_user_name] = "Benutzername",
	[WORD_password] = "Passwort",
	[WORD_stay] = "Auf diesem Gerät angemeldet bleiben",
	[WORD_signed_in_as] = "Angemeldet als {1}.",
	[WORD_go_on] = "Weiter",
	[WORD_your_account] = "Ihr Konto",
	[WORD_sign_out] = "Abmelden",
	[WORD_sign_out_ask] = "Auf diesem Gerät abmelden?",
	[WORD_signed_out] = "Sie sind abgemeldet.",
	[WORD_wrong_credentials] = "Benutzername oder Passwort ist falsch.",
	[WORD_wrong_password] = "Das Passwort ist falsch.",
	[WORD_weak_password] = "Bitte ein anderes Passwort: mindestens 8 Zeichen, keines, das viele benutzen, und nicht der Benutzername.",
	[WORD_fill_in] = "Bitte alle Felder ausfüllen.",
	[WORD_rate_limited] = "Zu viele Versuche. Bitte in {1} noch einmal.",
	[WORD_seconds] = "{1} s",
	[WORD_minutes] = "{1} min",
	[WORD_elsewhere] = "Zur Sicherheit ist nichts geschehen: Das Formular kam von einer anderen Seite. Bitte hier noch einmal.",
	[WORD_insecure] = "Hier geht die Anmeldung nur mit HTTPS: Ohne verwirft der Browser das Cookie.",
	[WORD_unavailable] = "Das geht gerade nicht; geändert wurde nichts. Bitte in {1} noch einmal.",
	[WORD_failed] = "Das hat nicht geklappt.",
	[WORD_not_found] = "Hier ist nichts.",
	[WORD_problem] = "Etwas stimmt nicht",
	[WORD_back] = "Zur Anmeldung",
} };
