import TensorCore

/// Settings of the threads that compute.
enum Computing {
    /// Uses so many threads, if the user has said how many.
    static func use(threads: Int?) {
        if let threads { OneDNNEngine.threadCount = threads }
    }
}
