import API
import ArgumentParser
import Claims
import Console
import Releases

/// What is asked of an instance and of its machine: the flags of `request`, and of its plan.
struct RequestFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The release's YAML document: a path, file:PATH, or https://…#sha256=….", valueName: "URL|PATH"),
        completion: .file(extensions: ["yaml"]))
    var release: String?

    @Option(
        help: ArgumentHelp(
            "A release that serves as well, where the one before finds no machine; empty: none. Repeatable, the better first.",
            valueName: "URL|PATH"), completion: .file(extensions: ["yaml"]))
    var orRelease: [String] = []

    @Option(help: ArgumentHelp("Which of the release's instance types.", valueName: "TYPE"))
    var type: String?

    @Option(
        name: .customLong("param"),
        help: ArgumentHelp("A parameter; read by the release's schema. Repeatable.", valueName: "KEY=VALUE"))
    var parameters: [String] = []

    @Option(
        help: ArgumentHelp("Parameters from a YAML or JSON file; --param goes over it.", valueName: "FILE"),
        completion: .file())
    var paramsFile: String?

    @Option(help: ArgumentHelp("Memory that the machine must have free, such as 512MiB.", valueName: "AMOUNT"))
    var memory: String?

    @Option(
        help: ArgumentHelp("The one machine that may run it; empty for any.", valueName: "NAME"),
        completion: Names.nodes)
    var node: String?

    @Option(
        help: ArgumentHelp(
            "What must hold at the machine, as in 'cpu >= 4, memory >= 8GiB, region = fr'. Repeatable: all must.",
            valueName: "CONDITION"))
    var require: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Which machine is best, as in 'price, load'; -load: the busiest.", valueName: "POLICY"))
    var prefer: String?

    @Option(
        help: ArgumentHelp(
            "Not on the host of this other instance of yours; with @lan, @country or @continent not on its LAN, …. Repeatable.",
            valueName: "NAME[@SCOPE]"), completion: Names.instances)
    var apartFrom: [String] = []

    @Option(
        help: ArgumentHelp("On the same host as this other instance; likewise. Repeatable.", valueName: "NAME[@SCOPE]"),
        completion: Names.instances)
    var togetherWith: [String] = []

    @Option(
        help: ArgumentHelp(
            "The most that an hour on the machine may cost, in the unit of account, such as 0.02.", valueName: "PRICE"))
    var maxPrice: String?

    @Option(
        help: ArgumentHelp(
            "Take a place of this reservation of its project (`palmier project reservation`); empty: any place.",
            valueName: "NAME"), completion: Names.reservations)
    var reservation: String?

    @Flag(inversion: .prefixedNo, help: "Never on two machines at once, whatever fails.")
    var exclusive: Bool?

    @Option(
        help: ArgumentHelp(
            "The project that pays for it: the price of each next hour is reserved against its ceiling.",
            valueName: "PROJECT"))
    var project: String?

    @Option(
        help: ArgumentHelp(
            "How long its machine may be unheard of before it is started elsewhere, such as 5m; its lease when left out, and never less; 0: the lease again.",
            valueName: "DURATION"))
    var patience: DurationArgument?

    @Option(
        help: ArgumentHelp(
            "How many of it there shall be: makes a group, whose members are NAME.1, NAME.2, ….", valueName: "N"))
    var count: Int?

    @Option(
        help: ArgumentHelp(
            "No two members of the group on one host, lan, country or continent; empty: wherever.", valueName: "SCOPE"))
    var spread: String?

    @Option(
        help: ArgumentHelp(
            "By which rule the count changes, as in 'min=1, max=10, metric=cpu, target=60%'; empty: it stays.",
            valueName: "RULE"))
    var scale: String?

    /// For `request`.
    func arguments(_ name: String, customer: String?) -> RequestArguments {
        var arguments = RequestArguments(reference: name)
        arguments.customer = customer
        arguments.type = type
        arguments.reservation = reservation
        arguments.assignments = parameters
        arguments.parametersFile = paramsFile
        arguments.memory = memory
        arguments.node = node
        arguments.require = require
        arguments.prefer = prefer
        arguments.apartFrom = apartFrom
        arguments.togetherWith = togetherWith
        arguments.maxPrice = maxPrice
        arguments.exclusive = exclusive
        arguments.project = project
        arguments.count = count
        arguments.spread = spread
        arguments.scale = scale
        arguments.patience = patience?.duration
        return arguments
    }

    /// Reads the release and the files that were named.
    func document(_ arguments: RequestArguments) async throws -> RequestDocument {
        try arguments.check()
        var source: (text: RequestDocument.ReleaseText, release: Release)?
        if let release { source = try await ReleaseSource.read(release) }
        var others: [RequestDocument.ReleaseText] = []
        for other in orRelease where !other.isEmpty { others.append(try await ReleaseSource.read(other).text) }
        return try arguments.document(release: source, others: orRelease.isEmpty ? nil : others)
    }

    /// As they were typed: the same flags again.
    var words: [String] {
        func word(_ flag: String, _ value: String?) -> [String] { value.map { [flag, $0] } ?? [] }
        func all(_ flag: String, _ values: [String]) -> [String] { values.flatMap { [flag, $0] } }
        return word("--release", release) + all("--or-release", orRelease) + word("--type", type)
            + all("--param", parameters)
            + word("--params-file", paramsFile) + word("--memory", memory) + word("--node", node)
            + all("--require", require) + word("--prefer", prefer) + all("--apart-from", apartFrom)
            + all("--together-with", togetherWith) + word("--max-price", maxPrice) + word("--project", project)
            + word("--reservation", reservation)
            + word("--count", count.map { String($0) }) + word("--spread", spread) + word("--scale", scale)
            + word("--patience", patience?.defaultValueDescription)
            + (exclusive.map { [$0 ? "--exclusive" : "--no-exclusive"] } ?? [])
    }

    /// What can be asked, for the help.
    static let language = """
        REQUIREMENTS: terms joined by `and`, `or`, `not` and parentheses; a comma is an `and`. Properties are \
        \(Property.allCases.map(\.rawValue).joined(separator: ", ")). Amounts have units (8GiB, 500MB, 80%), versions \
        points (kernel >= 6.1), lists parentheses (region in (fr, de)).

        POLICIES: keys in the order in which they decide, the reverse by a `-` before: \
        \(Policy.Key.Word.allCases.map(\.rawValue).joined(separator: ", ")); or cheapest, nearest, fewest-installs. Usually \
        spread: where the largest share is free.

        RULES: settings with commas between them: metric (cpu, memory, or a number that the instance publishes), target \
        (60%, 200MiB, 100), max, min (1), down-after (5min). The count follows the mean of the members: more at once, fewer \
        when fewer were enough for as long as down-after says.
        """
}
