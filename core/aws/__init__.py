"""The ports of core/ports.py on AWS: S3, SQS, DynamoDB."""
