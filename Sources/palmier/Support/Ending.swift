import API
import Automata
import Foundation

/// Ends the command with this code; everything that was to be said has been said.
struct Ending: Error {
    var code: API.ExitCode

    init(_ code: API.ExitCode) {
        self.code = code
    }

    /// Throws unless all is done.
    static func with(_ code: API.ExitCode) throws {
        guard code == .done else { throw Ending(code) }
    }
}

extension Instant {
    /// The wall clock: for certificates and for what is kept on disk.
    static var wallClock: Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
}
