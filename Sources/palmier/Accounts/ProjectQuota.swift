import API
import ArgumentParser
import Automata
import Console
import Releases

struct ProjectQuota: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "The most that a project's instances hold of machines together.",
        discussion: Help.text(
            """
            Without a bound it shows what the project has of each. A request beyond the quota waits (reason quota), and is placed \
            when something of the project ends or the quota grows; a lower quota ends nothing that runs. What is not said stays.
            """,
            examples: .init("palmier project quota web --partitions 4 --memory 64GiB", "at most so much together"),
            .init("palmier project quota web", "what it has, and may have"),
            .init("palmier project quota web --remove", "as much as there is")))

    @Argument(help: "The project's name.", completion: Names.projects)
    var name: String

    @Option(help: ArgumentHelp("Partitions.", valueName: "N"))
    var partitions: Int?

    @Option(help: ArgumentHelp("Cores that its instances' conditions ask for.", valueName: "N"))
    var cpus: Int?

    @Option(help: ArgumentHelp("Memory that its instances ask for, such as 64GiB.", valueName: "AMOUNT"))
    var memory: String?

    @Option(help: ArgumentHelp("Accelerators that its instances' conditions ask for.", valueName: "N"))
    var gpus: Int?

    @Flag(help: "No bound any more, but for those that are given with it.")
    var remove = false

    @OptionGroup var options: RecordOptions

    mutating func validate() throws {
        for (flag, count) in [("--partitions", partitions), ("--cpus", cpus), ("--gpus", gpus)] {
            guard let count, !(0...1_000_000).contains(count) else { continue }
            throw ValidationError("\(flag): expected 0 to 1000000, found \(count)")
        }
        guard let memory, mebibytes == nil else { return }
        throw ValidationError("--memory: expected an amount such as 512MiB or 64GiB, found \"\(memory)\"")
    }

    private var mebibytes: Int64? {
        memory.flatMap { ByteCount(text: $0) }.map { ($0.bytes >> 20) + ($0.bytes % (1 << 20)).signum() }
    }

    mutating func run() async throws {
        guard remove || partitions != nil || cpus != nil || memory != nil || gpus != nil else {
            let (name, named) = (name, options.books.named)
            let document = try await options.connection.withMaster { try await $0.project(name, of: named) }
            return try options.output.output.write(document, names: [document.name]) { _ in
                AccountsText.quota(of: document)
            }
        }
        try await options.record(
            .quota(
                name,
                QuotaRequest(
                    partitions: partitions, cores: cpus, memoryMiB: mebibytes, gpus: gpus, remove: remove ? true : nil))
        )
    }
}

struct ProjectShareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "share", abstract: "A project's weight beside others, 1 to 1000; 1 when nobody says.",
        discussion: Help.text(
            """
            When machines are short, who has least for its share gets the next one; and where all are full, a project that has more \
            gives one back, after a lease at least. What is within its share is never taken.
            """,
            examples: .init("palmier project share web 2", "twice as much as one of share 1"),
            .init("palmier project share web 1 --dry-run", "whether it would change anything")))

    @Argument(help: "The project's name.", completion: Names.projects)
    var name: String

    @Argument(help: ArgumentHelp("1 to 1000.", valueName: "WEIGHT"))
    var weight: Int

    @OptionGroup var options: RecordOptions

    mutating func validate() throws {
        guard (1...ProjectShare.weightMax).contains(weight) else {
            throw ValidationError("WEIGHT: expected 1 to \(ProjectShare.weightMax), found \(weight)")
        }
    }

    mutating func run() async throws {
        try await options.record(.share(name, ShareRequest(share: weight)))
    }
}
