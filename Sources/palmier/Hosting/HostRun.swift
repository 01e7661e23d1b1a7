import Automata
import Console
import Logging
import Storage
import Transport

/// Hosts a peer until the process is told to end.
func run(options: HostOptions) async throws {
    LoggingSystem.bootstrap { label in
        switch options.logFormat {
        case .text: StreamLogHandler.standardError(label: label)
        case .json: JSONLogHandler(label: label)
        }
    }
    var logger = Logger(label: "palmier")
    logger.logLevel = Logger.Level(rawValue: options.logLevel.rawValue) ?? .notice
    do {
        try await PeerProcess(options: options, logger: logger).run()
    } catch let error as StorageError {
        throw Refusal(.failed, error.message, remedy: error.remedy)
    } catch let error as TransportError {
        throw Refusal(.failed, error.message, remedy: error.remedy)
    }
}
