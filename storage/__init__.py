"""Bytes: resumable uploads (tus 1.0), the blob store on S3, sealing, image and video work. Imports nothing of
server/.
"""
