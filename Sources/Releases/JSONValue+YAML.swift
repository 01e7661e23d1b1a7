extension JSONValue {
    /// Reads a YAML document (and so a JSON one) as JSON, by the rules for defaults in a release: plain scalars are what
    /// JSON makes of them, else strings; quoted ones are strings.
    ///
    /// - Parameter origin: the file, as errors shall name it.
    public init(yaml text: String, origin: String) throws(ReleaseError) {
        self = try YAMLReader(text: text, origin: origin).json()
    }
}
