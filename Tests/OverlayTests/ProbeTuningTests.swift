import Automata
import Foundation
import Testing

@testable import Overlay

@Suite struct ProbeTuningTests {
    @Test("exponential and logarithm agree with the C library's", arguments: [-3.0, -0.5, -1e-6, 0.0, 0.3, 2.0])
    func functions(x: Double) {
        #expect(abs(ProbeTuning.exponential(x) - exp(x)) < 1e-9 * exp(x))
        #expect(abs(ProbeTuning.logarithm(exp(x)) - x) < 1e-9)
        #expect(abs(ProbeTuning.logarithm(123_456.7) - log(123_456.7)) < 1e-9)
    }

    @Test("probing at the period found, lookups meet a dead hop as often as the target allows")
    func solvesTheFormula() {
        let mu = 1.0 / 8_280
        let period = ProbeTuning.period(failuresPerSecond: mu, peers: 2_000, leafDetection: 42, loss: 0.05)
        func dead(_ time: Double) -> Double { 1 - (1 - exp(-time * mu)) / (time * mu) }
        let hops = 15.0 / 16 * log(2_000) / log(16)
        let loss = 1 - (1 - dead(42)) * pow(1 - dead(period), hops - 1)
        #expect(abs(loss - 0.05) < 1e-4)
        #expect((400...600).contains(period))
    }

    @Test("the estimate is failures by contacts and time; without failures it falls as time passes")
    func failureRate() {
        var tuning = ProbeTuning(start: Tick(value: 0), initial: 3_600)
        func update(_ seconds: Double) {
            tuning.update(
                at: Tick(value: UInt32(seconds * Tick.perSecond)), contacts: 50, peers: 1_000, detection: 9,
                leafDetection: 42, loss: 0.05, bounds: 15...3_600)
        }
        update(60)
        #expect(tuning.own == .unknown && tuning.period == 3_600)
        for second in [100, 200, 300, 400] { tuning.failed(at: Tick(value: UInt32(Double(second) * Tick.perSecond))) }
        update(400)
        #expect(abs(tuning.failuresPerSecond - 4 / (50 * 400.0)) < 1e-6)
        let before = tuning.failuresPerSecond
        update(800)
        #expect(tuning.failuresPerSecond < before)
    }

    @Test("a peer that stands alone with its estimate follows the median of the others")
    func median() {
        var tuning = ProbeTuning(start: Tick(value: 0), initial: 3_600)
        for seconds in [100, 110, 120, 130, 9_000] { tuning.heard(ProbePeriod(seconds: UInt16(seconds))) }
        tuning.update(
            at: Tick(value: 100), contacts: 50, peers: 1_000, detection: 9, leafDetection: 42, loss: 0.05,
            bounds: 15...3_600)
        #expect(tuning.period == 120)
    }
}
