import Automata
import Testing

@testable import Claims

@Suite("conditions and policies of random text")
struct ConditionFuzzTests {
    @Test("the canonical text of any condition is read as that condition", arguments: 1...50 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var read = 0
        for _ in 0..<200 {
            let condition = RandomCondition.next(&random)
            let text = condition.description
            guard text.utf8.count <= Condition.bytesMax, condition.terms.count <= Condition.termsMax else { continue }
            let again = try Condition(text)
            #expect(again == condition, "seed \(seed): \(text)")
            #expect(again.description == text, "seed \(seed)")
            read += 1
        }
        #expect(read > 100, "seed \(seed)")
    }

    @Test("what is denied holds where the other does not, as text too", arguments: 1...50 as ClosedRange<UInt64>)
    func denied(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let condition = RandomCondition.next(&random)
            for _ in 0..<10 {
                let machine = RandomCondition.machine(&random)
                #expect(condition.holds(machine) != condition.denied.holds(machine), "seed \(seed): \(condition)")
            }
            guard condition.description.utf8.count < Condition.bytesMax / 2 else { continue }
            let text = "not (\(condition))"
            #expect(try Condition(text) == condition.denied, "seed \(seed): \(text)")
        }
    }

    @Test("no bytes trap, and what is taken is read again as the same", arguments: 1...40 as ClosedRange<UInt64>)
    func bytes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let bytes = (0..<random.below(60)).map { _ in
                UInt8(truncatingIfNeeded: random.chance(perMille: 800) ? 0x20 + random.below(0x5f) : random.below(256))
            }
            check(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static let pieces =
        Property.allCases.map(\.rawValue) + [
            "cores", "ram", "cpi", "and", "or", "not", "in", "AND", ",", "(", ")", "[", "]",
        ]
        + [
            "=", "!=", "<", "<=", ">", ">=", "==", "≥", "\"", "'", "\"a b\"", "'it''s'", "4", "8GiB", "8 GiB", "0.1GiB",
            "50%",
        ]
        + [
            "-1", "0.000001", "9223372036854775807", "9223372036854.775807", "1e9", "6.1.0", "yes", "no", "fr",
            "eu-west",
        ]
        + [
            "idle", "users", "eu", "\u{200B}", "é", "\u{a0}", "99999999999999999999TiB", "8388607.999999TiB",
            "-0.000001%",
        ]

    @Test("no tokens trap, and what is taken is read again as the same", arguments: 1...40 as ClosedRange<UInt64>)
    func tokens(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var taken = 0
        for _ in 0..<500 {
            let pieces = (0..<1 + random.below(12)).compactMap { _ in random.pick(Self.pieces) }
            taken += check(pieces.joined(separator: random.chance(perMille: 700) ? " " : "")) ? 1 : 0
            // Mostly right: terms joined by anything.
            let terms = (0..<1 + random.below(6)).map { _ in
                let property = random.pick(Property.allCases) ?? .cpu
                guard random.chance(perMille: 200) else {
                    return RandomCondition.term(&random, of: property).description
                }
                return "\(property.rawValue) \(random.pick(["=", "<=", "!="]) ?? "=") \(random.pick(Self.pieces) ?? "")"
            }
            taken += check(terms.joined(separator: random.pick([" and ", " or ", ", ", " and not "]) ?? ",")) ? 1 : 0
        }
        #expect(taken > 100, "seed \(seed): too few were taken to say anything")
    }

    @Test(
        "no change of a right text traps, and what is taken is read again as the same",
        arguments: 1...40 as ClosedRange<UInt64>)
    func changed(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            var bytes = Array(RandomCondition.next(&random).description.utf8)
            for _ in 0..<1 + random.below(3) {
                let place = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.below(256))
                case 1: bytes.insert(UInt8(truncatingIfNeeded: 0x20 + random.below(0x5f)), at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            check(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// Whether it was taken as a condition.
    @discardableResult
    private func check(_ text: String) -> Bool {
        if let policy = try? Policy(text) { #expect((try? Policy(policy.description)) == policy, "\(text)") }
        do {
            let condition = try Condition(text)
            let canonical = condition.description
            #expect((try? Condition(canonical)) == condition, "\(text) became \(canonical)")
            #expect(canonical.utf8.count <= Condition.bytesMax && condition.terms.count <= Condition.termsMax)
            _ = (Demand(of: condition) + Demand(of: condition), condition.contradiction)
            return true
        } catch {
            #expect((0...text.utf8.count).contains(error.offset), "\(text): \(error)")
            #expect(!error.message.isEmpty && !error.remedy.isEmpty, "\(text)")
            #expect(error.found.utf8.count <= LanguageError.foundBytesMax)
            return false
        }
    }
}
