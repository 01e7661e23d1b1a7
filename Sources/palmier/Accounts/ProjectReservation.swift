import API
import ArgumentParser
import Automata
import Console
import Foundation

/// Places of machines, kept for a project.
struct ProjectReservation: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reservation",
        abstract: "Places of machines that are kept for a project, from a time until a time.",
        discussion: Help.text(
            """
            Until shortly before it begins, a place is let to others; then who is there is started elsewhere, or put out, and the \
            place is for requests that name the reservation alone: `palmier request NAME --reservation RESERVATION`. What still \
            runs at its end stays. A place that nobody uses costs its project as much as an instance that is stopped.
            """,
            examples: .init(
                "palmier project reservation add x --project p --from 1h --until 3h --count 2",
                "two places, from an hour from now on"),
            .init("palmier project reservation show demo", "which machines keep them")),
        subcommands: [
            ProjectReservationAdd.self, ProjectReservationList.self, ProjectReservationShow.self,
            ProjectReservationCancel.self,
        ])
}

struct ProjectReservationAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Have places kept.",
        discussion: Help.text(
            """
            Times are written 2026-12-01T09:00, which is UTC, or 2026-12-01T09:00+01:00; a length such as 2h is from now on. With --wait it ends when every place has a machine \
            (0), or when the time is over (2), with what each machine said. What no machine can keep yet is looked for until the \
            reservation ends. The same again changes nothing.
            """,
            examples: .init(
                "palmier project reservation add x --project p --from 1h --until 3h --count 2",
                "two places, from an hour from now on, for two hours"),
            .init(
                "palmier project reservation add y --project p --from 9h --until 1d --count 1",
                "one place")))

    @Argument(help: "1 to 63 letters, digits and -_.")
    var name: String

    @Option(help: ArgumentHelp("Whose they are.", valueName: "NAME"), completion: Names.projects)
    var project: String

    @Option(help: ArgumentHelp("When it begins.", valueName: "TIME"))
    var from: String

    @Option(help: ArgumentHelp("When it ends.", valueName: "TIME"))
    var until: String

    @Option(help: ArgumentHelp("How many places, 1 to 256.", valueName: "N"))
    var count: Int

    @Option(
        help: ArgumentHelp(
            "What each place's machine must have, as in 'cpu >= 4, memory >= 8GiB'. Repeatable: all must.",
            valueName: "CONDITION"))
    var require: [String] = []

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Which machine is best, as in 'price, load'.", valueName: "POLICY"))
    var prefer: String?

    @Option(help: ArgumentHelp("The most that an hour may cost there, such as 0.02.", valueName: "PRICE"))
    var maxPrice: String?

    @Flag(help: "Wait until every place has a machine.")
    var wait = false

    @Option(help: ArgumentHelp("How long to wait; the search goes on then.", valueName: "DURATION"))
    var timeout: DurationArgument = .seconds(60)

    @OptionGroup var options: RecordOptions

    mutating func validate() throws {
        guard (1...256).contains(count) else { throw ValidationError("--count: expected 1 to 256, found \(count)") }
        guard BookingTerms.isName(name) else {
            throw ValidationError("NAME: expected 1 to 63 letters, digits and -_., found \"\(name)\"")
        }
    }

    mutating func run() async throws {
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970) * 1_000)
        let begins = try ReservationText.moment(from, "from", now: now)
        let ends = try ReservationText.moment(until, "until", now: now)
        guard begins < ends else {
            throw Refusal(
                .invalid, "--until: \(until) is not behind --from \(from)", remedy: "give an end after the beginning")
        }
        var arguments = RequestArguments(reference: name)
        (arguments.require, arguments.prefer, arguments.maxPrice) = (require, prefer, maxPrice)
        let needs = try arguments.document(release: nil).requirements
        try await options.record(
            .reserve(
                project,
                ReservationRequest(
                    name: name, from: ReservationText.written(begins), until: ReservationText.written(ends),
                    count: count,
                    requirements: needs)),
            isQuiet: wait && !options.dryRun)
        if wait, !options.dryRun { try await follow() }
    }

    private static let step = Duration.milliseconds(300)

    /// Until every place has a machine.
    private func follow() async throws {
        let (name, named) = (name, options.books.named)
        let clock = ContinuousClock()
        let deadline = clock.now + timeout.duration
        var document: ReservationDocument
        repeat {
            document = try await options.connection.withMaster { try await $0.reservation(name, of: named) }
            if document.isComplete { break }
            try await Task.sleep(for: min(Self.step, max(.zero, deadline - clock.now)))
        } while clock.now < deadline
        let output = options.output.output
        let shown = document
        try output.write(shown, names: [shown.name]) { ReservationText.details(shown, isWide: $0, output: output) }
        guard !shown.isComplete else { return }
        Terminal.note("not all in time; it goes on: `palmier project reservation show \(name)` says how far it is")
        throw Ending(.accepted)
    }
}

struct ProjectReservationList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "What is reserved, and how much of it machines keep.",
        discussion: Help.text(
            "Reservations that are over or cancelled are shown for some weeks. Who is no administrator sees its own projects'.",
            examples: .init("palmier project reservation list", "all"),
            .init("palmier project reservation list --project web -o json", "those of one project, for a script")))

    @Option(help: ArgumentHelp("Only those of this project.", valueName: "NAME"), completion: Names.projects)
    var project: String?

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        let project = project
        try await options.show(
            { client, named in
                var document = try await client.reservations(of: named)
                if let project { document.reservations.removeAll { $0.project != project } }
                return document
            }, names: { $0.reservations.map(\.name) }
        ) { ReservationText.list($0, isWide: $1, output: $2) }
    }
}

struct ProjectReservationShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "How many of its places machines keep, which, and why not the others.",
        discussion: Help.text(
            "A place is booked (a machine keeps it), used (an instance has it), or searched for.",
            examples: .init("palmier project reservation show demo", "its places, and what machines say"),
            .init("palmier project reservation show demo -o json", "the same for a script")))

    @Argument(help: "The reservation's name.", completion: Names.reservations)
    var name: String

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        let name = name
        try await options.show({ try await $0.reservation(name, of: $1) }, names: { [$0.name] }) {
            ReservationText.details($0, isWide: $1, output: $2)
        }
    }
}

struct ProjectReservationCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Have its places kept no more.",
        discussion: Help.text(
            "What runs in its places stays there, as any instance. Requests that wait for a place get one as others do.",
            examples: .init("palmier project reservation cancel demo", "its machines are everybody's again"),
            .init("palmier project reservation cancel demo --dry-run", "whether it would change anything")))

    @Argument(help: "The reservation's name.", completion: Names.reservations)
    var name: String

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        try await options.record(.cancelReservation(name))
    }
}
