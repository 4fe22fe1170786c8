package bolt

import "go.etcd.io/bbolt"

// SetMeta writes into the meta bucket of a file that no engine has open.
func SetMeta(path, key, value string) error {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}
		return b.Put([]byte(key), []byte(value))
	})
}

// Rows counts the rows of a bucket.
func (e *Engine) Rows(bucket string) (n int) {
	_ = e.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(k, v []byte) error {
			n++
			return nil
		})
	})
	return n
}

// PartitionOf is the engine's own way to a partition.
var PartitionOf = (*Engine).partition
