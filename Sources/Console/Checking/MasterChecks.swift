import API
public import Automata
import Foundation
import Identity

/// Whether each known master answers, and what the one that does says of itself.
public enum MasterChecks {
    /// - Returns: the checks, and the name of a master that answered; empty when none did.
    public static func all(_ choice: ConnectionChoice, now: Instant) async -> (checks: [Check], master: String) {
        var checks = await reachability(choice)
        do {
            let connection = try await Connection.open(choice, now: now)
            do {
                let diagnosis = try await connection.client.doctor()
                checks += diagnosis.problems.map {
                    Check($0.code, .problem, "on \(diagnosis.master): \($0.message)", remedy: $0.remedy)
                }
                checks += try await ledgers(connection.client.ledgers())
                if let clock = clock(try await connection.client.status().at, here: Date()) { checks.append(clock) }
                await connection.close(learning: true, now: now)
                return (checks, diagnosis.master)
            } catch {
                await connection.close(learning: false, now: now)
                throw error
            }
        } catch {
            let problem = Failure.problem(of: error) ?? ProblemDocument(.failed, "\(error)")
            checks.append(Check("master", .problem, problem.detail, remedy: problem.remedy))
            return (checks, "")
        }
    }

    /// Each master of each profile, asked by itself.
    private static func reachability(_ choice: ConnectionChoice) async -> [Check] {
        var checks: [Check] = []
        for fabric in Profile.fabrics(in: choice.profilesHome) {
            let profile: Profile
            do throws(IdentityError) {
                profile = try Profile.load(fabric: fabric, home: choice.profilesHome)
            } catch {
                checks.append(Check("master", .problem, error.message, remedy: error.remedy))
                continue
            }
            for endpoint in profile.masters {
                let client = PalmierClient(.masters([endpoint], profile.credential))
                do {
                    let document = try await client.fabric()
                    checks.append(Check("master", .ok, "\(document.master) of \(fabric) answers at \(endpoint)"))
                } catch {
                    let cause = Failure.problem(of: error)?.detail ?? "\(error)"
                    checks.append(
                        Check(
                            "master", .warning, "\(fabric): \(cause)",
                            remedy: "look at that machine; as long as another master answers, nothing is lost"))
                }
                await client.shutdown()
            }
        }
        return checks
    }

    /// One check for all that are safe, and one for each that is not.
    static func ledgers(_ document: LedgersDocument) -> [Check] {
        let wanting = document.ledgers.filter { $0.health != .ok }
        let safe = document.ledgers.count - wanting.count
        let checks = wanting.map { ledger in
            let reasons = ledger.reasons.isEmpty ? "" : ": " + ledger.reasons.joined(separator: ", ")
            return Check(
                "ledger", ledger.health == .unavailable ? .problem : .warning,
                "\(ledger.name) is \(ledger.health.rawValue), with \(ledger.standing) of \(ledger.wanted) replicas"
                    + reasons, remedy: ledger.remedy)
        }
        guard safe > 0 else { return checks }
        return [Check("ledger", .ok, "\(Wording.count(safe, "ledger")) on \(document.master) with all replicas wanted")]
            + checks
    }

    /// Compares two clocks by a master's word for the present.
    static func clock(_ theirs: String, here: Date) -> Check? {
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let there: Date
        do {
            there = try Date(theirs, strategy: format)
        } catch {
            return nil  // a later version may write time in another way: nothing is known then
        }
        let seconds = Int64(abs(there.timeIntervalSince(here)))
        let tolerance = defaultClockTolerance.components.seconds
        guard seconds > 2 else { return Check("clock", .ok, "agrees with the master's within 2s") }
        let text = "this machine's clock and the master's are \(Wording.age(seconds: seconds)) apart"
        let remedy = "set the clocks, best by chrony or systemd-timesyncd"
        return Check("clock", seconds > tolerance ? .problem : .warning, text, remedy: remedy)
    }
}
