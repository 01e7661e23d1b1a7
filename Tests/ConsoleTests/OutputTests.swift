import Console
import Testing

@Suite("Results for people")
struct OutputTests {
    private let plain = Style(isColored: false)

    @Test("columns are aligned, and no line ends in spaces")
    func aligned() {
        var table = Table([.plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("WHERE"), .plain("AGE")])
        table.add(["cache", "running", "", "worker-1/p03", "3m"])
        table.add(["database", "waiting", "no machine has 64 GiB", "", ""])
        #expect(
            table.text(style: plain) == """
                NAME      STATE    REASON                 WHERE         AGE
                cache     running                         worker-1/p03  3m
                database  waiting  no machine has 64 GiB
                """)
    }

    @Test("on a narrow terminal the reason gives way, and nothing else")
    func narrow() {
        var table = Table([.plain("NAME"), .flexible("REASON"), .plain("AGE")])
        table.add(["cache", "a reason that is much longer than the line on which it should stand", "3m"])
        let lines = table.text(style: plain, width: 40).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 40 })
        #expect(lines[1].hasPrefix("cache  a reason that"))
        #expect(lines[1].hasSuffix("…  3m"))
    }

    @Test("a cell from another machine cannot move the cursor of whoever looks at it")
    func harmless() {
        var table = Table([.plain("NAME")])
        table.add(["evil\u{1B}[2J\u{07}\r\nname\u{202E}"])
        #expect(table.text(style: plain) == "NAME\nevil [2J   name ")
    }

    @Test("colour goes with the word for a state, and changes no width")
    func colored() {
        var table = Table([.state("STATE"), .plain("NAME")])
        table.add(["failed", "cache"])
        table.add(["unreachable", "web"])
        let text = table.text(style: Style(isColored: true))
        #expect(text.contains("\u{1B}[31mfailed\u{1B}[0m       cache"))
        #expect(text.contains("\u{1B}[31munreachable\u{1B}[0m  web"))
    }

    @Test(
        "colour needs a terminal and obeys NO_COLOR, unless it is asked for",
        arguments: [
            (ColorChoice.auto, true, [:], true), (.auto, false, [:], false), (.auto, true, ["NO_COLOR": "1"], false),
            (.auto, true, ["NO_COLOR": ""], true), (.auto, true, ["TERM": "dumb"], false),
            (.always, false, ["NO_COLOR": "1"], true), (.never, true, [:], false),
        ] as [(ColorChoice, Bool, [String: String], Bool)])
    func choice(choice: ColorChoice, isTerminal: Bool, environment: [String: String], isColored: Bool) {
        #expect(Style(choice, isTerminal: isTerminal, environment: environment).isColored == isColored)
    }

    @Test("a listing leaves out what is empty")
    func listing() {
        var listing = Listing()
        listing.add("name", "cache")
        listing.add("reason", "")
        listing.add("state", "running")
        #expect(listing.text(style: plain) == "name   cache\nstate  running")
    }
}
