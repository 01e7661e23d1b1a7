import API
import ArgumentParser
import Console
import Ledger
import Peer
import Testing

@testable import palmier

@Suite("Help of every command")
struct HelpTests {
    /// Every command with the words that reach it.
    private static let commands = all(Palmier.self, ["palmier"])

    private static func all(
        _ command: any ParsableCommand.Type, _ path: [String]
    ) -> [(path: [String], type: any ParsableCommand.Type)] {
        [(path, command)]
            + command.configuration.subcommands.flatMap { all($0, path + [$0.configuration.commandName ?? "?"]) }
    }

    @Test("every command has two worked examples, and names the exit codes")
    func examples() {
        #expect(Self.commands.count > 30)
        for (path, type) in Self.commands {
            let name = path.joined(separator: " ")
            #expect(Self.examples(of: type).count >= 2, "\(name)")
            #expect(!type.configuration.abstract.isEmpty, "\(name)")
            let help = Palmier.helpMessage(for: type, columns: 80)
            for code in ["0 done", "1 failed", "2 accepted", "3 not found", "4 refused", "5 no master", "64 usage"] {
                #expect(help.contains(code), "\(name) does not tell \(code)")
            }
        }
    }

    @Test("every example parses, and is an example of its command")
    func parses() {
        for (path, type) in Self.commands where path.count > 1 {
            for example in Self.examples(of: type) {
                // What stands after `>` is the shell's.
                let words = Self.words(of: example).prefix { $0 != ">" }
                #expect(words.starts(with: path), "\(example) stands in the help of \(path.joined(separator: " "))")
                #expect(throws: Never.self, "\(example)") { _ = try Palmier.parseAsRoot(Array(words.dropFirst())) }
            }
        }
    }

    @Test("no line of an example is broken on a terminal of 80 columns")
    func widths() {
        for (path, type) in Self.commands {
            let help = Palmier.helpMessage(for: type, columns: 80)
            for example in Self.examples(of: type) {
                #expect(help.contains("  \(example)\n"), "\(path.joined(separator: " ")): \(example)")
            }
        }
    }

    @Test("completion scripts are there for three shells", arguments: ["bash", "zsh", "fish"])
    func completion(shell: String) throws {
        let shell = try #require(CompletionShell(rawValue: shell))
        let script = Palmier.completionScript(for: shell)
        #expect(script.contains("complete-names instances"))
        #expect(script.contains("complete-names nodes"))
        #expect(script.contains("complete-names ledgers"))
        #expect(script.contains("complete-names accounts"))
        #expect(script.contains("complete-names reservations"))
    }

    @Test(
        "wrong usage ends with 64",
        arguments: [
            "nonsense", "node lst", "node list --pendng", "request", "request cache --timeout soon",
            "request cache --wait done",
            "request cache --wait --detach", "request cache --check-index x", "request cache --check-index -1",
            "request cache --requires cpu", "plan request", "plan destroy cache", "plan request cache --wait",
            "why", "node why a b", "sim run x.yaml --seed 1 --seeds 1...2", "sim run x.yaml --jobs 0",
            "node invite --kind person", "instance logs", "completion tcsh",
            "instance list -o xml", "overlay lookup", "object put", "object get x --output yaml",
            "object get x --output y --json", "bench simulator --figures hops", "bench simulator --figures ,",
            "bench simulator --peers 10", "bench lan --figures hops", "fabric create lab --admission everybody",
            "account add ada", "account add ada --kind robot --title R",
            "account add a --kind person --title A --city L",
            "account change ada", "account pay lab-000001 5EUR", "account correct v1 --currency EUR --reason r",
            "account bill lab --cycle fortnight",
            "project set", "project set web", "price set cpu", "resource define cpu --unit parsec --title C",
            "ledger status m1 m2", "ledger stauts", "ledger status -o xml",
            "ledger verify m1 m2", "ledger export", "ledger export --format pdf", "ledger invoices --format ubl",
            "ledger balance ada bob", "contract offer c lab ada --to 2030-01-01",
            "contract offer c lab ada --term 'help=1 EUR'", "contract countersign", "contract show", "contract end",
            "subscription add s help --project web --supplier lab", "subscription end",
            "subscription add s help --project web --supplier lab --cycle fortnight",
            "incident open i w --from 2026-01-01 --to 2026-01-02", "incident credit i lab-000001",
        ])
    func usage(line: String) {
        let words = line.split(separator: " ").map(String.init)
        do {
            _ = try Palmier.parseAsRoot(words)
            Issue.record("\(line) parses")
        } catch {
            #expect(Palmier.exitCode(for: error).rawValue == API.ExitCode.usage.rawValue, "\(line)")
        }
    }

    @Test("a flag that a command and its parent both have reaches the command")
    func sharedFlags() throws {
        let list = try #require(try Palmier.parseAsRoot(["master", "list", "--state", "/x"]) as? MasterList)
        #expect(list.connection.state ?? list.parent.flags.state == "/x")
        let config = try #require(try Palmier.parseAsRoot(["agent", "config", "--state", "/x"]) as? AgentConfig)
        #expect(config.flags.state == "/x")
    }

    @Test("what a ledger is said to be when nothing is said is what masters do by themselves")
    func replicas() {
        let (said, done) = (LedgerDescription(), ReplicaPlacement.Configuration())
        #expect(said.wanted == done.wanted && said.minimum == done.minimum && said.absence == done.absence)
    }

    @Test("a master takes its flags of replicas, and `agent config` shows them")
    func replicaFlags() throws {
        let words = [
            "--ledger", "lab", "--replicas", "4", "--minimum-replicas", "2", "--replace-after", "5m",
            "--hold-replicas", "0", "--replica-space", "2G", "--region", "eu-west",
            "--checkpoint-every", "1000",
        ]
        let master = try #require(try Palmier.parseAsRoot(["master"] + words) as? MasterCommand)
        let values = master.flags.values(master.master)
        #expect(values["ledger"] == ["lab"] && values["replicas"] == ["4"] && values["minimum-replicas"] == ["2"])
        #expect(values["replace-after"] == ["5m"] && values["hold-replicas"] == ["0"])
        #expect(values["replica-space"] == ["2G"] && values["region"] == ["eu-west"])
        #expect(values["checkpoint-every"] == ["1000"])
        let config = try #require(try Palmier.parseAsRoot(["agent", "config"] + words) as? AgentConfig)
        #expect(config.flags.values(config.master) == values)
        #expect(try #require(try Palmier.parseAsRoot(["agent"]) as? AgentCommand).flags.values().isEmpty)
    }

    @Test("a plan's command is the same request, as a shell takes it, with the index that was looked at")
    func planned() throws {
        let typed = [
            "plan", "request", "my db", "--release", "a b.yaml", "--param", "x=1", "--param", "y='2'", "--memory", "64",
            "--node", "", "--require", "cpu >= 4", "--require", "region = fr", "--prefer", "-load, price",
            "--apart-from",
            "web@lan", "--together-with", "store", "--max-price", "0.02", "--no-exclusive", "--project", "p",
            "--customer", "ada", "--master", "host:1",
        ]
        let plan = try #require(try Palmier.parseAsRoot(typed) as? PlanRequest)
        let command = plan.command(at: 7)
        #expect(command.hasPrefix("palmier request 'my db' --release 'a b.yaml' --param x=1 --param "), "\(command)")
        #expect(command.contains(ShellWord.quoted("y='2'")), "\(command)")
        #expect(command.hasSuffix("--customer ada --master host:1 --check-index 7"), "\(command)")
        let words = plan.flags.words
        let again = try #require(try Palmier.parseAsRoot(["request", "my db"] + words) as? RequestCommand)
        #expect(again.flags.words == words)
        #expect(again.flags.prefer == "-load, price" && again.flags.exclusive == false && again.flags.node == "")
        let arguments = again.flags.arguments("my db", customer: nil)
        #expect(arguments.require == ["cpu >= 4", "region = fr"] && arguments.apartFrom == ["web@lan"])
        #expect(arguments.togetherWith == ["store"] && arguments.maxPrice == "0.02" && arguments.checkIndex == nil)
        for flag in typed where flag.hasPrefix("--") { #expect(command.contains(" \(flag)"), "\(flag) in \(command)") }
    }

    /// As a shell takes them: what stands in single quotes is one word.
    private static func words(of line: String) -> [String] {
        var (words, isQuoted) = ([""], false)
        for character in line {
            switch character {
            case "'": isQuoted.toggle()
            case " " where !isQuoted: words.append("")
            default: words[words.count - 1].append(character)
            }
        }
        return words
    }

    private static func examples(of type: any ParsableCommand.Type) -> [String] {
        type.configuration.discussion.split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("  palmier ") }.map { String($0.dropFirst(2)) }
    }
}
