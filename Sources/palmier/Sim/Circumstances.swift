import Console
import Foundation
import Lab

/// When, with what and on which machine something was measured.
enum Circumstances {
    static var lines: [String] {
        let machine = BenchmarkMachine.current
        return [
            "Palmier \(Console.version), \(build) build; \(date)",
            "\(machine.cpu), \(machine.cores) cores, \(machine.memory >> 20) MiB, \(machine.kernel), \(machine.os)",
        ]
    }

    static var date: String {
        let now = Calendar(identifier: .gregorian).dateComponents(in: .gmt, from: Date())
        return String(format: "%04d-%02d-%02d", now.year ?? 0, now.month ?? 0, now.day ?? 0)
    }

    private static var build: String {
        #if DEBUG
        "debug"
        #else
        "release"
        #endif
    }
}
