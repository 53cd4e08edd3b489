"""The start screen's rows, from made-up machines."""

from msgspec.structs import replace

from gwtop.nouns.offers import Attach, DemoOffer, Ear, Heard, Recent, RunDemo, ShowFile, WithSudo
from gwtop.panels._start import UNFOLD, Entry, Offer, entries, plain

FPM = Ear(
    "127.0.0.1:9000", 9000, "fastcgi", "php-fpm speaks it", True, 16, "php-fpm", "root", 3, 2, 511
)
SOCK = Ear("unix:/run/a.sock", 0, "uwsgi", "told", True, 17, "uwsgi", "www", 1, None, None)
NGINX = Ear("0.0.0.0:80", 80, "http", "a web server", False, 18, "nginx", "root", 1, 0, 511)
SSH = Ear("0.0.0.0:22", 22, None, "", False, None, "", "root", 0, 0, 128)
CGI = DemoOffer("cgi", "http", "process-per-request", "CGI: a process each", None, [])
PERL = DemoOffer("perl", "http", "embedded", "mod_perl", "apt-get install x", ["apache2"])


def offer(*ears: Ear, **more: object) -> Offer:
    return Offer(Heard(list(ears), 0), (PERL, CGI), **more)  # type: ignore[arg-type]


def text(entry: Entry) -> str:
    return "".join(cell.text for cell in entry.line).rstrip()


def entry_of(key: str, given: Offer, width: int = 120, unfolded: bool = False) -> Entry:
    return next(one for one in entries(given, width, unfolded) if one.key == key)


def test_a_listener_is_a_line_with_guess_queue_and_owner_and_enter_watches_it() -> None:
    found = entry_of("ear 127.0.0.1:9000", offer(FPM))
    words = " ".join(text(found).split())
    assert words == "≈fastcgi 127.0.0.1:9000 queue 2/511 php-fpm 16 root 3 processes"
    assert found.choice == Attach(9000, "")
    assert found.about[0] == "gwtop attach --port 9000" and "php-fpm speaks it" in found.about[1]


def test_a_unix_listener_is_watched_by_its_path() -> None:
    found = entry_of("ear unix:/run/a.sock", offer(SOCK))
    assert found.choice == Attach(0, "/run/a.sock")
    assert found.about[0] == "gwtop attach --socket /run/a.sock"
    assert "queue –" in text(found)


def test_without_a_gateway_the_first_line_says_so_and_web_servers_follow() -> None:
    lines = [text(one) for one in entries(offer(NGINX), 120)]
    assert lines[1].strip().startswith("no gateway") and "nginx" in lines[2]


def test_before_the_first_look_it_says_that_it_looks() -> None:
    assert text(entries(Offer(None, (CGI,)), 120)[1]).strip() == "looking …"


def test_what_nothing_is_guessed_of_is_folded_after_four_and_unfolds() -> None:
    many = [Ear(f"0.0.0.0:{n}", n, None, "", False, None, "", "", 0, 0, 1) for n in range(20, 30)]
    folded = entries(offer(FPM, *many), 120)
    assert sum(one.key.startswith("ear 0.0.0.0") for one in folded) == 4
    assert "6 more" in text(entry_of(UNFOLD, offer(FPM, *many)))
    unfolded = entries(offer(FPM, *many), 120, unfolded=True)
    assert sum(one.key.startswith("ear 0.0.0.0") for one in unfolded) == 10
    assert UNFOLD not in {one.key for one in unfolded}


def test_where_an_owner_is_hidden_that_is_said_and_sudo_is_offered() -> None:
    given = offer(SSH, has_rights=False)
    assert "owner not seen root" in text(entry_of("ear 0.0.0.0:22", given))
    found = entry_of("sudo", given)
    assert found.choice == WithSudo() and found.about[0] == "gwtop --sudo"
    assert "sudo" not in {one.key for one in entries(offer(SSH), 120)}


def test_demos_that_are_here_come_first_and_start_and_others_offer_their_command() -> None:
    keys = [one.key for one in entries(offer(FPM), 120)]
    assert keys.index("demo cgi") < keys.index("demo perl")
    assert entry_of("demo cgi", offer(FPM)).choice == RunDemo("cgi")
    missing = entry_of("demo perl", offer(FPM))
    assert (missing.choice, missing.copies) == (None, "apt-get install x")
    assert "needs apache2" in text(missing) and missing.about[0] == "needs: apt-get install x"


def test_files_are_offered_with_their_age() -> None:
    hour_ns = 3600 * 10**9
    given = offer(FPM, files=(Recent("read", "/tmp/a/x.pcap", hour_ns),), now_at=3 * hour_ns)
    found = entry_of("file /tmp/a/x.pcap", given)
    assert found.choice == ShowFile("read", "/tmp/a/x.pcap")
    assert " ".join(text(found).split()) == "read x.pcap /tmp/a 2 h ago"


def test_what_a_name_or_a_path_could_do_to_a_terminal_it_does_not() -> None:
    evil = "\x1b[2J"
    ear = Ear(f"unix:/{evil}", 0, "scgi", "", True, 1, evil, evil, 1, 0, 1)
    given = offer(ear, files=(Recent("view", f"/{evil}", 0),))
    assert all("\x1b" not in text(one) + "".join(one.about) for one in entries(given, 120))
    assert "\x1b" not in "".join(plain(given))


def test_as_text_every_row_has_its_command() -> None:
    lines = [line.strip() for line in plain(offer(FPM, SSH, has_rights=False))]
    for command in ("gwtop attach --port 9000", "gwtop attach --port 22", "gwtop --sudo"):
        assert command in lines
    assert "needs: apt-get install x" in lines


def test_many_gateways_are_folded_too_so_that_the_demos_stay_in_reach() -> None:
    many = [replace(FPM, listen=f"127.0.0.1:{n}", port=n) for n in range(9000, 9030)]
    folded = entries(offer(*many, SSH), 120)
    assert sum(one.key.startswith("ear 127") for one in folded) == 12
    assert "18 more like these" in text(entry_of(UNFOLD, offer(*many, SSH)))
    assert sum(one.key.startswith("ear 127") for one in entries(offer(*many), 120, True)) == 30
