public import Automata
import Objects
import Wire

/// The most that users may say: what one peer can tell another (`WireBounds`), checked where the words come in, with the
/// name of the field or the flag.
public enum Bounds {
    /// 2^53: prices.
    public static let numberMax = WireBounds.numberMax
    /// 2^28 MiB, which are 256 TiB: what one request may ask for.
    public static let memoryMiBMax = WireBounds.memoryBytesMax >> 20
    /// What all instances of a machine together may ask for.
    public static let machineMemoryMax = ByteCount(WireBounds.memoryLeftBytesMax)

    /// The largest object that the ring keeps.
    public static let objectBytesMax = Objects.Configuration().objectBytesMax

    public static func checkObject(_ bytes: [UInt8]) throws(ProblemDocument) {
        guard bytes.count <= objectBytesMax else { throw tooLarge(bytes.count) }
    }

    /// - Parameter found: how many bytes there are; nil when nobody has counted them.
    public static func tooLarge(_ found: Int?) -> ProblemDocument {
        ProblemDocument(
            .invalid,
            "an object has at most \(objectBytesMax) bytes, and this one has "
                + (found.map { String($0) } ?? "more"),
            remedy: "keep it in pieces, and an object that lists their keys", status: 413)
    }

    /// 1 to 128 bytes of text: a customer, a reference.
    public static func checkName(_ text: String, _ field: String) throws(ProblemDocument) {
        let isText = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        let count = text.utf8.count
        guard (1...WireBounds.nameBytesMax).contains(count), isText else {
            throw ProblemDocument(
                .invalid,
                "\(field): expected 1 to \(WireBounds.nameBytesMax) bytes of text, found \(count)"
                    + (isText ? "" : " with control characters"),
                remedy: "choose another name", field: field)
        }
    }

    /// A reservation's name.
    public static func checkReservation(_ text: String, _ field: String) throws(ProblemDocument) {
        guard BookingTerms.isName(text) else {
            throw ProblemDocument(
                .invalid, "\(field): expected 1 to 63 letters, digits and -_., found \"\(text.prefix(80))\"",
                remedy: "`palmier project reservation list` shows their names", field: field)
        }
    }

    /// At most 128 bytes: an instance type, a machine that is asked for; empty for any.
    public static func checkChoice(_ text: String, _ field: String) throws(ProblemDocument) {
        try check(text, field, bytesMax: WireBounds.nameBytesMax, remedy: "no such name is that long: correct it")
    }

    /// A release's address.
    public static func checkURL(_ text: String, _ field: String) throws(ProblemDocument) {
        try check(text, field, bytesMax: WireBounds.urlBytesMax, remedy: "use a shorter path or address")
    }

    /// A release's document.
    public static func checkRelease(_ text: String, _ field: String) throws(ProblemDocument) {
        try check(
            text, field, bytesMax: WireBounds.releaseBytesMax, remedy: "move scripts and files into an archive")
    }

    /// All parameters of a request, as JSON.
    public static func checkParameters(_ text: String, _ field: String) throws(ProblemDocument) {
        try check(
            text, field, bytesMax: WireBounds.parametersBytesMax,
            remedy: "publish large content elsewhere, and give its address as a parameter")
    }

    private static func check(
        _ text: String, _ field: String, bytesMax: Int, remedy: String
    ) throws(ProblemDocument) {
        let count = text.utf8.count
        guard count <= bytesMax else {
            throw ProblemDocument(
                .invalid, "\(field): has \(count) bytes, at most \(bytesMax) are allowed", remedy: remedy, field: field)
        }
    }
}
