import API
import Automata
import Console
import Foundation
import Testing

@Suite("Reservations as people type and read them")
struct ReservationTextTests {
    /// 2026-11-23T00:00:00Z.
    private let now = Instant(milliseconds: 1_795_392_000_000)

    @Test(
        "a time is UTC unless it says its zone, a day is its beginning, and a length is from now on",
        arguments: [
            ("2026-12-01T09:00", "2026-12-01T09:00:00Z"), ("2026-12-01T09:00:30", "2026-12-01T09:00:30Z"),
            ("2026-12-01T09:00Z", "2026-12-01T09:00:00Z"), ("2026-12-01T09:00+01:00", "2026-12-01T08:00:00Z"),
            ("2026-12-01T23:30:00-05:30", "2026-12-02T05:00:00Z"), ("2026-12-01", "2026-12-01T00:00:00Z"),
            ("10m", "2026-11-23T00:10:00Z"), ("2d", "2026-11-25T00:00:00Z"), ("now", "2026-11-23T00:00:00Z"),
        ])
    func moments(text: String, written: String) throws {
        #expect(ReservationText.written(try ReservationText.moment(text, "from", now: now)) == written)
    }

    @Test(
        "anything else is an error that names its flag",
        arguments: ["soon", "10", "2026-13-01T09:00", "2026-12-01T25:00", "2026-12-01T09:00+1:00", "-10m", ""])
    func nonsense(text: String) {
        let error = #expect(throws: Refusal.self) { try ReservationText.moment(text, "until", now: now) }
        #expect(error?.code == .invalid && error?.message.contains("--until") == true)
    }

    @Test("one line says how much of it is kept, and until when")
    func sentence() throws {
        let text = """
            {"schema": "palmier.reservation/1", "name": "demo", "project": "web", "state": "ahead", "count": 2, "booked": 1,
            "from": "2026-12-01T09:00:00Z", "until": "2026-12-01T18:00:30Z", "used": 0, "places": [],
            "requirements": {"memoryMiB": 0, "condition": "cpu >= 4"}, "madeAt": "2026-11-23T00:00:00Z"}
            """
        var document = try JSONDecoder().decode(ReservationDocument.self, from: Data(text.utf8))
        #expect(
            ReservationText.sentence(of: document)
                == "demo of the project web is ahead, from 2026-12-01 09:00 until 2026-12-01 18:00:30 UTC, cpu >= 4: "
                + "1 of 2 places booked")
        #expect(!document.isComplete)
        document.state = "cancelled"
        #expect(ReservationText.sentence(of: document) == "demo of the project web is cancelled")
    }
}
