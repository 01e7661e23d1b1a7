public import Ledger
import SwiftProtobuf
import WireSchema

extension FactCoding {
    /// Facts as their Protocol Buffers messages (`Specs/wire/ledger.proto`).
    public static let wire = FactCoding(
        encode: { WireFact($0).bytes() },
        decode: { bytes in
            // A fact of a later version is none that this one knows.
            guard let message = try? WireFact(parsing: bytes) else { return nil }
            return try? message.decoded()
        })
}
