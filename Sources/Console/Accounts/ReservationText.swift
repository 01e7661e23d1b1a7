public import API
import Accounting
public import Automata

/// Reservations, in words and tables.
public enum ReservationText {
    /// `2026-12-01T09:00`, with seconds and a zone where wanted; a day, which is its beginning; or a time from now, such as `10m`.
    /// A time without a zone is UTC.
    ///
    /// - Throws: `invalid`, with the name of the flag.
    public static func moment(_ text: String, _ flag: String, now: Instant) throws(Refusal) -> Instant {
        if let instant = Instant(civil: text) { return instant }
        if let instant = zoned(text) { return instant }
        if text == "now" { return now }
        if let duration = Wording.duration(text), text.contains(where: \.isLetter) { return now + duration }
        throw Refusal(
            .invalid, "--\(flag): expected a time, found \"\(text)\"",
            remedy: "write 2026-12-01T09:00 (UTC), 2026-12-01T09:00+01:00, 2026-12-01, or 2h, which is from now on")
    }

    /// As masters read it.
    public static func written(_ instant: Instant) -> String { instant.civilText }

    /// Down to the minute, and with another zone than UTC.
    private static func zoned(_ text: String) -> Instant? {
        var (time, offset) = (text, Duration.zero)
        if time.hasSuffix("Z") {
            time.removeLast()
        } else if time.count > 16, let sign = time.dropFirst(16).lastIndex(where: { $0 == "+" || $0 == "-" }) {
            let zone = time[time.index(after: sign)...].split(separator: ":", omittingEmptySubsequences: false)
            guard zone.count == 2, zone.allSatisfy({ $0.count == 2 && $0.allSatisfy { $0.isASCII && $0.isNumber } }),
                let hours = Int64(zone[0]), let minutes = Int64(zone[1]), hours < 24, minutes < 60
            else { return nil }
            offset = .seconds((hours * 60 + minutes) * (time[sign] == "-" ? -60 : 60))
            time = String(time[..<sign])
        }
        if time.count == 16 { time += ":00" }
        return Instant(civil: time + "Z").map { $0 - offset }
    }

    public static func list(_ document: ReservationsDocument, isWide: Bool, output: Output) -> String {
        var table = Table([
            .plain("NAME"), .plain("PROJECT"), .state("STATE"), .plain("FROM"), .plain("UNTIL"), .plain("BOOKED"),
            .plain("USED"), .flexible("NEEDS"),
        ])
        for reservation in document.reservations {
            table.add([
                reservation.name, reservation.project, reservation.state, short(reservation.from),
                short(reservation.until), "\(reservation.booked) of \(reservation.count)", "\(reservation.used)",
                reservation.requirements.condition ?? "",
            ])
        }
        guard !document.reservations.isEmpty else {
            return "nothing is reserved in the ledger \(document.source.ledger)"
        }
        return output.text(of: table, isWide: isWide)
    }

    public static func details(_ document: ReservationDocument, isWide: Bool, output: Output) -> String {
        var lines = [Table.printable(sentence(of: document))]
        if !document.places.isEmpty {
            var table = Table([
                .plain("PLACE"), .state("STATE"), .plain("NODE"), .plain("PARTITION"), .plain("INSTANCE"),
                .flexible("REASON"),
            ])
            for place in document.places {
                table.add([
                    "\(place.number)", place.state, place.node ?? "", place.partition ?? "", place.instance ?? "",
                    place.reason,
                ])
            }
            lines += ["", output.text(of: table, isWide: isWide)]
        }
        if let machines = document.machines {
            lines += ["", "for the places that no machine keeps: " + MatchingText.counts(machines)]
            if !machines.candidates.isEmpty {
                lines.append(output.text(of: MatchingText.table(machines.candidates, isWide: isWide), isWide: isWide))
            }
        }
        return lines.joined(separator: "\n")
    }

    /// One line: how much of it is kept, and until when.
    public static func sentence(of document: ReservationDocument) -> String {
        let needs = document.requirements.condition.map { ", \($0)" } ?? ""
        let what = "\(document.name) of the project \(document.project)"
        let when = "from \(short(document.from)) until \(short(document.until)) UTC"
        switch Reservation.Phase(rawValue: document.state) {
        case .cancelled: return "\(what) is cancelled"
        case .over: return "\(what), \(when), is over"
        default:
            let used = document.used > 0 ? ", \(document.used) used" : ""
            return
                "\(what) \(document.state == "open" ? "is open" : "is ahead"), \(when)\(needs): \(document.booked) of "
                + "\(Wording.count(document.count, "place")) booked\(used)"
        }
    }

    /// `2026-12-01 09:00`, with seconds where they are not nothing.
    static func short(_ text: String) -> String {
        guard text.count >= 20, text.hasSuffix("Z") else { return text }
        let (day, time) = (text.prefix(10), text.dropFirst(11).dropLast())
        return "\(day) \(time.hasSuffix(":00") ? time.prefix(5) : time[...])"
    }
}
