import Foundation
import Testing

@testable import Lab

@Suite struct FigureTests {
    @Test("a percentile is the smallest measured value that this share does not exceed")
    func percentiles() {
        let twenty = Sample((1...20).reversed().map(Double.init))
        #expect(twenty.percentile(50) == 10)
        #expect(twenty.percentile(95) == 19)
        #expect(twenty.percentile(100) == 20)
        #expect(Sample((1...200).map(Double.init)).percentile(99) == 198)
        #expect(Sample([7.0]).percentile(1) == 7)
        #expect(Sample([Duration.milliseconds(250)]).percentile(50) == 0.25)
    }

    @Test("a goal is a comparison and a number, and is read as it is written")
    func reach() throws {
        for text in ["<= 0.6", "< 60", ">= 100", "> 1.5"] {
            #expect(try #require(Reach(text)).description == text)
        }
        for text in ["", "0.6", "<=0.6", "=< 1", "<= fast", "<= nan", "<= 1 s"] { #expect(Reach(text) == nil) }
        #expect(Reach(.atMost, 0.6).isMet(by: 0.6))
        #expect(!Reach(.below, 60).isMet(by: 60))
        #expect(Reach(.atLeast, 100).isMet(by: 100))
        #expect(!Reach(.above, 1).isMet(by: 1))
    }

    @Test(
        "a figure has four significant digits",
        arguments: [
            (0.123_456, 0.1235), (1_234_567, 1_235_000), (59.996, 60), (99.99, 99.99), (0, 0),
            (-0.000_123_45, -0.000_123_4),
        ])
    func digits(_ value: Double, _ expected: Double) {
        let rounded = Figure("x", value, unit: "s", conditions: "").value
        #expect(abs(rounded - expected) <= abs(expected) * 1e-3)
        #expect("\(rounded)".filter(\.isNumber).count <= 8, "\(rounded)")
    }

    @Test("the document is what scripts rely on")
    func document() throws {
        let document = BenchmarkDocument(
            machine: BenchmarkMachine(cpu: "c", cores: 2, memory: 1_024, kernel: "Linux 6", os: "Debian"),
            figures: [
                Figure("join_p50", 0.9, unit: "s", conditions: "20 joins", reach: Reach(.atMost, 0.6)),
                Figure("more", 1, unit: "B", conditions: ""),
            ])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(document)
        let text = String(decoding: data, as: UTF8.self)
        #expect(
            text == """
                {"figures":[{"conditions":"20 joins","name":"join_p50","reach":"<= 0.6","unit":"s","value":0.9},\
                {"conditions":"","name":"more","unit":"B","value":1}],\
                "machine":{"cores":2,"cpu":"c","kernel":"Linux 6","memory":1024,"os":"Debian"},\
                "schema":"palmier.bench/1"}
                """)
        #expect(try JSONDecoder().decode(BenchmarkDocument.self, from: data) == document)
        #expect(document.short.map(\.name) == ["join_p50"])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Reach.self, from: Data(#""fast""#.utf8)) }
    }

    @Test("the machine is described from the kernel's and the distribution's own words")
    func machine() {
        let machine = BenchmarkMachine.current
        #expect(machine.cores > 0 && machine.memory > 0)
        #expect(!machine.cpu.isEmpty && !machine.kernel.isEmpty && !machine.os.isEmpty)
        let file = "NAME=\"Other\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"
        #expect(BenchmarkMachine.value(of: "PRETTY_NAME", in: file, separator: "=") == "Debian GNU/Linux 12")
        #expect(BenchmarkMachine.value(of: "model name", in: "model name\t: Chip: 2\n", separator: ":") == "Chip: 2")
        #expect(BenchmarkMachine.value(of: "model name", in: "model\t: x\n", separator: ":") == nil)
    }
}
