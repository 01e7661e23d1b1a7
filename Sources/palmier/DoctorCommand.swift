import API
import ArgumentParser
import Automata
import Console
import Foundation

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check this machine and the masters; each fault with its remedy.",
        discussion: Help.text(
            """
            Looks at multicast, Avahi, addresses, clock, certificates, disk, programs, the reachability of each known \
            master, and the replicas of its ledgers. Ends with 1 when there is a problem, with 5 when no master answers.
            """,
            examples: .init("palmier doctor", "what is wrong, and what to do"),
            .init("palmier doctor -o json", "what a bug report carries")))

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let choice = connection.choice
        let progress = ProgressLine(
            isMoving: true, isSilent: !Terminal.errorsAreTerminal || output.chosen.isForPrograms)
        progress.update("looking at this machine")
        var checks = await MachineChecks.all(choice, now: .wallClock)
        progress.update("asking the masters")
        let masters = await MasterChecks.all(choice, now: .wallClock)
        progress.finish()
        checks += masters.checks
        let document = DiagnosisDocument(
            machine: ProcessInfo.processInfo.hostName, system: ProcessInfo.processInfo.operatingSystemVersionString,
            master: masters.master, checks: checks)
        let output = output.output
        try output.write(document, names: document.problems.map(\.code)) { isWide in
            var table = Table([.plain("NAME"), .state("STATE"), .flexible("FOUND")])
            for check in checks { table.add([check.name, check.state.rawValue, check.message]) }
            let warnings = checks.count { $0.state == .warning }
            var lines = [
                Wording.count(document.problems.count, "problem") + ", " + Wording.count(warnings, "warning"),
                output.text(of: table, isWide: isWide),
            ]
            var remedies: [String] = []
            for check in checks where !check.remedy.isEmpty {
                let remedy = "to do (\(check.name)): " + Table.printable(check.remedy)
                // One cause may be behind several faults.
                if !remedies.contains(remedy) { remedies.append(remedy) }
            }
            lines += remedies
            return lines.joined(separator: "\n")
        }
        try Ending.with(masters.master.isEmpty ? .unreachable : document.problems.isEmpty ? .done : .failed)
    }
}
